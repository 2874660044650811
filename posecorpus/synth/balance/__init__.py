"""Drawing poses where a reference is thin (LCR-Net++ section 4.1), and how evenly a corpus covers the poses."""
