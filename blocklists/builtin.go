package blocklists

import "slices"

// Builtin returns the categories that every Taxonomy has, in the order of their numbers: the subjects
// first, then the services. The caller owns the slice.
func Builtin() []Definition {
	categories := builtinCategories()
	return slices.Concat(categories, builtinServices(categories))
}

// Groups returns the keys of the twelve groups under which parents see the categories, in the order in
// which they are shown.
func Groups() []string {
	return []string{
		"sex", "violence", "selfharm", "drugs", "money", "piracy",
		"social", "video", "games", "bypass", "security", "ads",
	}
}

// builtinCategories lists the categories that are no service. Classes that only allow (ok.*), that the
// law gives (illegal.*) and that only describe (meta.*) are in no group: no parent switches them.
func builtinCategories() []Definition {
	return []Definition{
		{ID: "adult.porn", Group: "sex"},
		{ID: "adult.mixed", Group: "sex"},
		{ID: "adult.services", Group: "sex"},
		{ID: "adult.dating", Group: "sex"},

		{ID: "harm.selfharm", Group: "selfharm"},
		{ID: "harm.gore", Group: "violence"},
		{ID: "harm.hate", Group: "violence"},
		{ID: "harm.weapons", Group: "violence"},
		{ID: "harm.drugs", Group: "drugs"},
		{ID: "harm.alcohol", Group: "drugs"},
		{ID: "harm.tobacco", Group: "drugs"},
		{ID: "harm.crime", Group: "piracy"},

		{ID: "money.gambling", Group: "money"},
		{ID: "money.crypto", Group: "money"},
		{ID: "money.shopping", Group: "money"},

		{ID: "piracy", Group: "piracy"},

		{ID: "social.networks", Group: "social"},
		{ID: "social.chat", Group: "social"},
		{ID: "social.chat.random", Group: "social"},
		{ID: "social.ugc", Group: "social"},

		{ID: "fun.games", Group: "games"},
		{ID: "fun.video", Group: "video"},
		{ID: "fun.ai", Group: "social"},

		{ID: "bypass.vpn", Group: "bypass"},
		{ID: "bypass.dns", Group: "bypass"},
		{ID: "bypass.remote", Group: "bypass"},
		{ID: "search.other", Group: "bypass"}, // engines that cannot be held to safe search

		{ID: "sec.malware", Group: "security"},
		{ID: "sec.phishing", Group: "security"},
		{ID: "sec.scam", Group: "security"},
		{ID: "sec.miner", Group: "security"},
		{ID: "sec.stalkerware", Group: "security"},
		{ID: "sec.nrd", Group: "security"},

		{ID: "ads.trackers", Group: "ads"},
		{ID: "talk.profanity", Group: "social"},
		{ID: "misinfo", Group: "social"},

		{ID: "illegal.csam"},
		{ID: "illegal.order"},

		{ID: "ok.help"},
		{ID: "ok.help.core"},
		{ID: "ok.kids"},
		{ID: "ok.infra"},
		{ID: "ok.school"},

		{ID: "meta.popular"},
		{ID: openID},
	}
}
