"""Motion capture as files hold it: readers, resampling, and finding clips in folders and zips."""
