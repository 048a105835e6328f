"""What `bench/requests.py` compares with: a table of three columns behind Django REST framework as in its tutorial.

One model, one ModelViewSet, JSON web tokens, Django's default middleware; no audit, no undo, no rights.
"""
