"""Bodies: the shipped open ones and SMPL files of a user's own, posed by linear blend skinning."""
