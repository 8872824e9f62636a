package console

// Catalogue gives the words to tests.
func Catalogue() *phrases { return catalogue.In("en") }

// Title is what the first page is called in a language.
func Title(code string) string { return catalogue.In(code).Say("nav.today") }
