"""The file that a backup is: versioned, checked whole before anything of it is used."""
