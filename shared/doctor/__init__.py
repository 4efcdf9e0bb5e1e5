"""`kaifu doctor`: what is wrong, in plain words, and what to do. Asks much and changes nothing."""
