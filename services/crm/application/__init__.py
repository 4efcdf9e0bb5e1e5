"""What can be asked of crm: one class per noun, for the API and the pages alike.

They raise `shared.http.problems.Problem` where a client is refused, and `DatabaseAway` (503).
"""
