package blocklists

// builtinServices lists the services that have a switch of their own, by the category that an allow
// of the service lifts. Two sub-ids stand for families of sites: omegle for Omegle and those that took
// its place, twitter for X as well.
func builtinServices() []Definition {
	var services []Definition
	add := func(parent, group string, names ...string) {
		for _, name := range names {
			services = append(services, Definition{
				ID: "service." + name, Group: group, Service: true, Parent: parent,
			})
		}
	}
	add("social.networks", "social",
		"tiktok", "instagram", "facebook", "snapchat", "twitter", "pinterest", "bereal", "threads", "linkedin")
	add("social.ugc", "social", "reddit", "tumblr")
	add("social.chat", "social", "whatsapp", "telegram", "signal", "discord", "viber")
	add("social.chat.random", "social", "omegle")
	add("fun.video", "video",
		"youtube", "twitch", "kick", "netflix", "disneyplus", "primevideo", "spotify", "vimeo", "dailymotion")
	add("fun.games", "games",
		"roblox", "minecraft", "fortnite", "steam", "playstation", "xbox", "nintendo")
	add("fun.ai", "social", "chatgpt", "characterai", "gemini", "copilot")
	return services
}
