"""Linear maps from one rig's joints to another's, and learning them (LCR-Net++ section 4.1)."""
