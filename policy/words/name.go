package words

// names are what languages are called in themselves, for a list that somebody looks for their own in (CLDR).
var names = map[string]string{
	"ar": "العربية", "bg": "български", "cs": "čeština", "da": "dansk", "de": "Deutsch", "el": "Ελληνικά", "en": "English", "es": "español", "et": "eesti", "fi": "suomi",
	"fr": "français", "ga": "Gaeilge", "hr": "hrvatski", "hu": "magyar", "it": "italiano", "lt": "lietuvių", "lv": "latviešu", "mt": "Malti", "nl": "Nederlands", "pl": "polski",
	"pt": "português", "ro": "română", "sk": "slovenčina", "sl": "slovenščina", "sv": "svenska", "tr": "Türkçe", "uk": "українська", "zh": "中文",
}

// Name is what a language is called in itself, such as "Deutsch"; the code of one that has no folder here.
func Name(code string) string {
	if name, ok := names[code]; ok {
		return name
	}
	return code
}
