"""What each of our methods is, and its options: all that lists, plans and reports ask of it.

None of these modules needs torch, whose import takes longer than most of that work.
"""
