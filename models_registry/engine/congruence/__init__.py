"""How far a chain's inside and its errors agree with hearing, one file for each measure.

`layout`: bands beside the ear's scales. `masking`: the share of an error that is not heard. `patterns` and
`similarity`: what adapters make of a sound beside what the ear does. `listener`, `tasks`, `staircase` and
`sensitivity`: what a computed listener just notices, behind the chain or by its features, beside what people do.
"""
