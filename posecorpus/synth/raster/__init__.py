"""The default renderer, a software rasteriser: ``raster.engine.render``.

Nothing is imported here, so that ``raster.light`` is to be had without the compiler.
"""
