package policy

func french() *Phrases {
	return &Phrases{
		Language: "fr", ThisDevice: "cet appareil", Unknown: "Cet appareil n'est pas encore connu.", Security: "Sécurité", Search: "Recherche sans SafeSearch",
		Groups: map[string]string{
			"sex": "Sexe", "violence": "Violence et haine", "selfharm": "Automutilation", "drugs": "Drogues, alcool, tabac",
			"money": "Jeux d'argent et argent", "piracy": "Piratage", "social": "Réseaux sociaux et discussion", "video": "Vidéo",
			"games": "Jeux", "bypass": "Contournement du filtre", "security": "Sécurité", "ads": "Publicité",
		},
		Bands: [...]string{"", "petit enfant, 0-5", "enfant, 6-9", "10-12 ans", "13-15 ans", "16-17 ans", "adulte", "appareil"},
		Steps: [...]string{"",
			"La loi l'interdit, pour tout le monde.",
			"Le filtre lui-même et l'aide d'urgence ont besoin de ce nom.",
			"Votre foyer a une règle contre ce nom.",
			"L'aide et ce dont les appareils ont besoin restent toujours ouverts.",
			"C'est l'heure de dormir : tout est coupé.",
			"C'est l'heure des devoirs : les sites à durée limitée sont coupés.",
			"Le site est dangereux pour tout le monde.",
			"Votre foyer a une règle qui autorise ce nom.",
			"Un réglage de ce service décide.",
			"Les règles de cet âge décident pour ce genre de site.",
			"L'étiquette d'âge du site décide.",
			"Aucune liste n'en sait plus sur ce site.",
		},
		Short: [...]string{
			ReasonCategory: "Bloqué sur ce profil : {what}",
			ReasonRule:     "Bloqué par une règle de ce foyer",
			ReasonBedtime:  "Heure de dormir : tout est coupé",
			ReasonHomework: "Heure des devoirs : c'est coupé",
			ReasonSelfharm: "Bloqué sur ce profil",
			ReasonUnknown:  "Ne fait pas partie des sites que ce profil ouvre",
			ReasonNew:      "Ce site est très récent",
			ReasonPause:    "Pause : tout est coupé",
			ReasonQuota:    "Le temps prévu est épuisé pour aujourd'hui",
		},
		pages: [readers][reasons]Message{frenchChild(), frenchTeen(), frenchAdult()},
	}
}

func frenchChild() [reasons]Message {
	return [...]Message{
		ReasonCategory: {"Cette page, ce n'est pas pour maintenant.", "Ces règles te protègent. Tu n'as rien fait de mal.", "Demande à un adulte."},
		ReasonLaw:      {"Cette page ne peut pas s'ouvrir.", "Tu n'as rien fait de mal.", "As-tu vu quelque chose de grave ? Dis-le à un adulte."},
		ReasonBedtime:  {"Internet dort jusqu'à {until}.", "C'est l'heure de dormir. Tu n'as rien fait de mal.", "Dors bien. De l'aide est toujours là, la nuit aussi."},
		ReasonHomework: {"Ce sera pour plus tard.", "C'est l'heure des devoirs jusqu'à {until}.", "Essaie encore à {until}."},
		ReasonSecurity: {"Cette page n'est pas sûre.", "Elle peut abîmer cet appareil. Tu n'as rien fait de mal.", "Ferme-la et dis-le à un adulte."},
		ReasonSelfharm: {"Tu comptes.", "Tu n'es pas seul. Tu n'as rien fait de mal.", "Parle à un adulte que tu aimes, ou à une ligne d'écoute."},
		ReasonUnknown:  {"", "Personne n'a encore regardé cette page. Tu n'as rien fait de mal.", "Demande à un adulte de la regarder avec toi."},
		ReasonNew:      {"", "Cette page est toute neuve. Personne ne la connaît encore.", ""},
		ReasonPause:    {"Internet fait une pause.", "Un adulte l'a mis en pause. Tu n'as rien fait de mal.", "Demande à un adulte quand cela reprend."},
		ReasonQuota:    {"C'est tout pour aujourd'hui.", "Le temps prévu est fini. Tu n'as rien fait de mal.", "Demain, il y aura du temps de nouveau."},
	}
}

func frenchTeen() [reasons]Message {
	return [...]Message{
		ReasonCategory: {"Ce site est bloqué sur ton profil.", "Il s'agit de : {what}.", "Tu peux le demander, dire que c'est une erreur, ou parler à quelqu'un."},
		ReasonLaw:      {"Ce site ne peut pas être ouvert ici.", "Il est sur une liste légale qui vaut pour tout le monde.", "Si tu as vu quelque chose d'illégal, un point de signalement est là pour cela."},
		ReasonRule:     {"", "Ton foyer a une règle pour ce site.", ""},
		ReasonBedtime:  {"Heure de dormir jusqu'à {until}.", "Tout est coupé à cette heure, sauf l'aide.", "Cela remarche à {until}. Tu peux demander plus de temps."},
		ReasonHomework: {"Coupé pendant les devoirs.", "Ce site est coupé jusqu'à {until}.", "Cela remarche à {until}. Tu peux demander plus de temps."},
		ReasonSecurity: {"Ce site n'est pas sûr.", "Il est connu pour des virus, des vols de mots de passe ou des arnaques, et bloqué ici pour tout le monde.", "Ferme la page. Si tu y as tapé un mot de passe, change-le."},
		ReasonService:  {"", "{what} est désactivé sur ton profil.", ""},
		ReasonSelfharm: {"Tu comptes.", "Si c'est trop en ce moment : tu n'es pas seul.", "Parle à quelqu'un maintenant. Les sites d'aide s'ouvrent toujours."},
		ReasonWarn:     {"Prends un instant avant de continuer.", "", ""},
		ReasonUnknown:  {"", "Aucune liste ne connaît ce site, et ton profil n'ouvre que les sites connus.", ""},
		ReasonNew:      {"", "Ce site a moins d'un mois. De tels sites servent souvent à des arnaques.", ""},
		ReasonPause:    {"Internet est en pause.", "Quelqu'un de ton foyer l'a mis en pause. L'aide s'ouvre toujours.", "Demande quand cela reprend, ou demande plus de temps."},
		ReasonQuota:    {"Le temps d'aujourd'hui est épuisé.", "Les minutes prévues pour cela sont épuisées pour aujourd'hui.", "Il y en aura de nouvelles demain. Tu peux demander plus de temps."},
	}
}

func frenchAdult() [reasons]Message {
	return [...]Message{
		ReasonCategory: {"Bloqué pour {who}.", "Catégorie : {what}.", "Le profil en décide ; cela se change dans les réglages du foyer."},
		ReasonLaw:      {"Ce site ne peut pas être ouvert ici.", "Il est sur une liste légale qui vaut pour tout le monde.", "Si vous avez vu quelque chose d'illégal, un point de signalement est là pour cela."},
		ReasonRule:     {"", "Une règle du foyer bloque ce nom.", "La règle se change dans les réglages du foyer."},
		ReasonBedtime:  {"", "C'est l'heure de dormir jusqu'à {until} : tous les noms sont coupés.", ""},
		ReasonHomework: {"", "C'est l'heure des devoirs jusqu'à {until} : les noms à durée limitée sont coupés.", ""},
		ReasonSecurity: {"Ce site n'est pas sûr.", "Il est connu pour des virus, de l'hameçonnage ou des arnaques.", "Fermez la page. Si vous y avez tapé un mot de passe, changez-le."},
		ReasonService:  {"", "Le service {what} est désactivé.", ""},
		ReasonSelfharm: {"Vous comptez.", "Si c'est trop en ce moment : vous n'êtes pas seul.", "Parlez à quelqu'un maintenant. Les sites d'aide s'ouvrent toujours."},
		ReasonWarn:     {"Un avertissement pour {who}.", "", ""},
		ReasonUnknown:  {"", "Aucune liste ne connaît ce nom, et le profil n'ouvre que les noms connus.", ""},
		ReasonNew:      {"", "Ce nom a moins d'un mois. De tels noms servent souvent à des arnaques.", ""},
		ReasonPause:    {"", "Internet est en pause : tous les noms sont coupés, sauf ce qui est toujours ouvert.", "La pause peut être levée à tout moment."},
		ReasonQuota:    {"", "Les minutes de la journée sont épuisées.", "Il y en aura de nouvelles demain ; on peut en ajouter pour aujourd'hui."},
	}
}
