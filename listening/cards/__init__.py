"""Model cards: what a version is for, made of and known to do, gathered from its rows, and laid out in three forms.

`gathering.card_of(version)` reads the rows; `forms` lays the card out as HTML, Markdown and JSON without looking at
any. Nothing is typed in but the makers' statement, so that a card says what the rows say, and its hash says which.
"""
