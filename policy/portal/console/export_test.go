package console

// Catalogue gives the words to tests.
func Catalogue() *phrases { return catalogue.In("en") }
