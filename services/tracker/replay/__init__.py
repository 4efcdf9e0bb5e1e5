"""`kaifu replay`: what a rule set makes of hits that were judged before, and how it is told.

Pure, but for the bookmark: a message's history goes in, differences and corrections come out.
"""
