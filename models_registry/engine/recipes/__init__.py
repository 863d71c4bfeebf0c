"""The recipes that ship with the engine, as JSON files; `Recipe.load` reads them by name."""
