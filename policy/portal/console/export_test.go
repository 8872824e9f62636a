package console

// Catalogue gives the words to tests.
func Catalogue() *words { w, _ := loadWords(); return w }
