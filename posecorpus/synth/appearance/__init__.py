"""What a scene looks like: painted bodies, rooms and photos behind them, light."""
