package policy

// english is the text that the others translate.
func english() *Phrases {
	return &Phrases{
		Language: "en", Reviewed: true, ThisDevice: "this device", Unknown: "This device is not known yet.", Security: "Security", Search: "Search without safe search",
		Groups: map[string]string{
			"sex": "Sex", "violence": "Violence and hate", "selfharm": "Self-harm", "drugs": "Drugs, alcohol, tobacco",
			"money": "Gambling and money", "piracy": "Piracy and hacking", "social": "Social and chat", "video": "Video",
			"games": "Games", "bypass": "Getting round the filter", "security": "Security", "ads": "Ads",
		},
		Bands: [...]string{"", "small child, 0-5", "child, 6-9", "10-12 years", "13-15 years", "16-17 years", "adult", "device"},
		Steps: [...]string{"",
			"The law forbids it, for everyone.",
			"The filter itself and emergency help need this name.",
			"Your household has a rule against this name.",
			"Help, and what devices need to work, is always on.",
			"It is bedtime: everything is off.",
			"It is homework time: timed sites are off.",
			"The site is dangerous for everyone.",
			"Your household has a rule that allows this name.",
			"A switch for this service decides.",
			"The rules for this age decide about this kind of site.",
			"The site's own age label decides.",
			"No list knows more about this site.",
		},
		Short: [...]string{
			ReasonCategory: "Blocked on this profile: {what}",
			ReasonRule:     "Blocked by a rule of this household",
			ReasonBedtime:  "Bedtime: everything is off",
			ReasonHomework: "Homework time: this is off",
			ReasonSelfharm: "Blocked on this profile",
			ReasonUnknown:  "Not among the sites this profile opens",
			ReasonNew:      "This site is very new",
			ReasonPause:    "Paused: everything is off",
			ReasonQuota:    "The time for this is used up for today",
		},
		pages: [readers][reasons]Message{englishChild(), englishTeen(), englishAdult()},
	}
}

func englishChild() [reasons]Message {
	return [...]Message{
		ReasonCategory: {"This page is not for now.", "These rules keep you safe. You did nothing wrong.", "Ask a grown-up."},
		ReasonLaw:      {"This page cannot be opened.", "You did nothing wrong.", "Did you see something bad? Tell a grown-up."},
		ReasonBedtime:  {"The internet sleeps until {until}.", "It is bedtime. You did nothing wrong.", "Sleep well. Help is always there, at night too."},
		ReasonHomework: {"This is for later.", "It is homework time until {until}.", "Try again at {until}."},
		ReasonSecurity: {"This page is not safe.", "It could harm this device. You did nothing wrong.", "Close it and tell a grown-up."},
		ReasonSelfharm: {"You matter.", "You are not alone. You did nothing wrong.", "Talk to a grown-up you like, or to a helpline."},
		ReasonUnknown:  {"", "Nobody has looked at this page yet. You did nothing wrong.", "Ask a grown-up to look at it with you."},
		ReasonNew:      {"", "This page is very new. Nobody knows it yet.", ""},
		ReasonPause:    {"The internet takes a break.", "A grown-up has paused it. You did nothing wrong.", "Ask a grown-up when it goes on."},
		ReasonQuota:    {"That was all for today.", "The time for this is used up. You did nothing wrong.", "Tomorrow there is new time."},
	}
}

func englishTeen() [reasons]Message {
	return [...]Message{
		ReasonCategory: {"This site is blocked on your profile.", "It is about: {what}.", "You can ask for it, say that it is a mistake, or talk to someone."},
		ReasonLaw:      {"This site cannot be opened here.", "It is on a legal list that holds for everyone.", "If you saw something illegal, a hotline takes reports."},
		ReasonRule:     {"", "Your household has a rule for this site.", ""},
		ReasonBedtime:  {"Bedtime until {until}.", "Everything is off at this time, except help.", "It works again at {until}. You can ask for more time."},
		ReasonHomework: {"Off during homework time.", "This site is off until {until}.", "It works again at {until}. You can ask for more time."},
		ReasonSecurity: {"This site is not safe.", "It is known for malware, stolen passwords or fraud, and blocked for everyone here.", "Close the page. If you typed a password there, change it."},
		ReasonService:  {"", "{what} is switched off on your profile.", ""},
		ReasonSelfharm: {"You matter.", "If things are too much right now: you are not alone.", "Talk to someone now. Help sites always open."},
		ReasonWarn:     {"Take a moment before you go on.", "", ""},
		ReasonUnknown:  {"", "No list knows this site, and your profile opens known ones only.", ""},
		ReasonNew:      {"", "This site is less than a month old. Such sites are often used for fraud.", ""},
		ReasonPause:    {"The internet is paused.", "Somebody of your household has paused it. Help still opens.", "Ask when it goes on, or ask for more time."},
		ReasonQuota:    {"Today's time is used up.", "The minutes for this are used up for today.", "There are new ones tomorrow. You can ask for more time."},
	}
}

func englishAdult() [reasons]Message {
	return [...]Message{
		ReasonCategory: {"Blocked for {who}.", "Category: {what}.", "The profile decides this; it can be changed in the settings of the household."},
		ReasonLaw:      {"This site cannot be opened here.", "It is on a legal list that holds for everyone.", "If you saw something illegal, a hotline takes reports."},
		ReasonRule:     {"", "A rule of the household blocks this name.", "The rule can be changed in the settings of the household."},
		ReasonBedtime:  {"", "It is bedtime until {until}: all names are off.", ""},
		ReasonHomework: {"", "It is homework time until {until}: timed names are off.", ""},
		ReasonSecurity: {"This site is not safe.", "It is known for malware, phishing or fraud.", "Close the page. If you typed a password there, change it."},
		ReasonService:  {"", "The service {what} is switched off.", ""},
		ReasonSelfharm: {"You matter.", "If things are too much right now: you are not alone.", "Talk to someone now. Help sites always open."},
		ReasonWarn:     {"A warning for {who}.", "", ""},
		ReasonUnknown:  {"", "No list knows this name, and the profile opens known ones only.", ""},
		ReasonNew:      {"", "The name is less than a month old. Such names are often used for fraud.", ""},
		ReasonPause:    {"", "The internet is paused: all names are off but those that are always on.", "The pause can be ended at any time."},
		ReasonQuota:    {"", "The minutes of the day are used up.", "The next day brings new ones; more can be given for today."},
	}
}
