package account

// ReadsPHC says whether a kept passphrase can be read.
func ReadsPHC(text string) bool {
	_, ok := parsePHC(text)
	return ok
}
