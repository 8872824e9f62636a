package policy

func german() *Phrases {
	return &Phrases{
		Language: "de", ThisDevice: "dieses Gerät", Unknown: "Dieses Gerät ist noch nicht bekannt.", Security: "Sicherheit", Search: "Suche ohne SafeSearch",
		Groups: map[string]string{
			"sex": "Sex", "violence": "Gewalt und Hass", "selfharm": "Selbstverletzung", "drugs": "Drogen, Alkohol, Tabak",
			"money": "Glücksspiel und Geld", "piracy": "Raubkopien und Hacking", "social": "Soziales und Chat", "video": "Video",
			"games": "Spiele", "bypass": "Umgehen des Filters", "security": "Sicherheit", "ads": "Werbung",
		},
		Bands: [...]string{"", "kleines Kind, 0-5", "Kind, 6-9", "10-12 Jahre", "13-15 Jahre", "16-17 Jahre", "erwachsen", "Gerät"},
		Steps: [...]string{"",
			"Das Gesetz verbietet es, für alle.",
			"Der Filter selbst und die Nothilfe brauchen diesen Namen.",
			"Euer Haushalt hat eine Regel gegen diesen Namen.",
			"Hilfe und was Geräte zum Arbeiten brauchen ist immer an.",
			"Es ist Schlafenszeit: alles ist aus.",
			"Es ist Hausaufgabenzeit: zeitlich begrenzte Seiten sind aus.",
			"Die Seite ist für alle gefährlich.",
			"Euer Haushalt hat eine Regel, die diesen Namen erlaubt.",
			"Ein Schalter für diesen Dienst entscheidet.",
			"Die Regeln für dieses Alter entscheiden über diese Art von Seite.",
			"Die eigene Alterskennzeichnung der Seite entscheidet.",
			"Keine Liste weiß mehr über diese Seite.",
		},
		Short: [...]string{
			ReasonCategory: "In diesem Profil gesperrt: {what}",
			ReasonRule:     "Durch eine Regel dieses Haushalts gesperrt",
			ReasonBedtime:  "Schlafenszeit: alles ist aus",
			ReasonHomework: "Hausaufgabenzeit: das ist jetzt aus",
			ReasonSelfharm: "In diesem Profil gesperrt",
			ReasonUnknown:  "Nicht unter den Seiten, die dieses Profil öffnet",
			ReasonNew:      "Diese Seite ist sehr neu",
			ReasonPause:    "Pause: alles ist aus",
			ReasonQuota:    "Die Zeit dafür ist für heute aufgebraucht",
		},
		pages: [readers][reasons]Message{germanChild(), germanTeen(), germanAdult()},
	}
}

func germanChild() [reasons]Message {
	return [...]Message{
		ReasonCategory: {"Diese Seite ist jetzt nichts für dich.", "Die Regeln schützen dich. Du hast nichts falsch gemacht.", "Frag einen Erwachsenen."},
		ReasonLaw:      {"Diese Seite geht nicht auf.", "Du hast nichts falsch gemacht.", "Hast du etwas Schlimmes gesehen? Sag es einem Erwachsenen."},
		ReasonBedtime:  {"Das Internet schläft bis {until}.", "Es ist Schlafenszeit. Du hast nichts falsch gemacht.", "Schlaf gut. Hilfe ist immer da, auch nachts."},
		ReasonHomework: {"Das ist für später.", "Bis {until} ist Hausaufgabenzeit.", "Versuch es um {until} noch einmal."},
		ReasonSecurity: {"Diese Seite ist nicht sicher.", "Sie könnte diesem Gerät schaden. Du hast nichts falsch gemacht.", "Mach sie zu und sag es einem Erwachsenen."},
		ReasonSelfharm: {"Du bist wichtig.", "Du bist nicht allein. Du hast nichts falsch gemacht.", "Sprich mit einem Erwachsenen, den du magst, oder mit einem Hilfetelefon."},
		ReasonUnknown:  {"", "Noch niemand hat diese Seite angesehen. Du hast nichts falsch gemacht.", "Bitte einen Erwachsenen, sie mit dir anzusehen."},
		ReasonNew:      {"", "Diese Seite ist ganz neu. Noch kennt sie niemand.", ""},
		ReasonPause:    {"Das Internet macht Pause.", "Ein Erwachsener hat es angehalten. Du hast nichts falsch gemacht.", "Frag einen Erwachsenen, wann es weitergeht."},
		ReasonQuota:    {"Für heute war das alles.", "Die Zeit dafür ist aufgebraucht. Du hast nichts falsch gemacht.", "Morgen gibt es neue Zeit."},
	}
}

func germanTeen() [reasons]Message {
	return [...]Message{
		ReasonCategory: {"Diese Seite ist in deinem Profil gesperrt.", "Es geht um: {what}.", "Du kannst darum bitten, einen Fehler melden oder mit jemandem reden."},
		ReasonLaw:      {"Diese Seite kann hier nicht geöffnet werden.", "Sie steht auf einer gesetzlichen Liste, die für alle gilt.", "Wenn du etwas Verbotenes gesehen hast, nimmt eine Meldestelle Hinweise an."},
		ReasonRule:     {"", "Euer Haushalt hat eine Regel für diese Seite.", ""},
		ReasonBedtime:  {"Schlafenszeit bis {until}.", "Um diese Zeit ist alles aus, außer Hilfe.", "Um {until} geht es wieder. Du kannst um mehr Zeit bitten."},
		ReasonHomework: {"In der Hausaufgabenzeit aus.", "Diese Seite ist bis {until} aus.", "Um {until} geht es wieder. Du kannst um mehr Zeit bitten."},
		ReasonSecurity: {"Diese Seite ist nicht sicher.", "Sie ist bekannt für Schadprogramme, gestohlene Passwörter oder Betrug und hier für alle gesperrt.", "Schließ die Seite. Wenn du dort ein Passwort eingegeben hast, ändere es."},
		ReasonService:  {"", "{what} ist in deinem Profil ausgeschaltet.", ""},
		ReasonSelfharm: {"Du bist wichtig.", "Wenn gerade alles zu viel ist: du bist nicht allein.", "Sprich jetzt mit jemandem. Hilfeseiten gehen immer auf."},
		ReasonWarn:     {"Nimm dir einen Moment, bevor du weitergehst.", "", ""},
		ReasonUnknown:  {"", "Keine Liste kennt diese Seite, und dein Profil öffnet nur bekannte.", ""},
		ReasonNew:      {"", "Diese Seite ist keinen Monat alt. Solche Seiten dienen oft dem Betrug.", ""},
		ReasonPause:    {"Das Internet macht Pause.", "Jemand aus deinem Haushalt hat es angehalten. Hilfe geht weiter auf.", "Frag, wann es weitergeht, oder bitte um mehr Zeit."},
		ReasonQuota:    {"Die Zeit für heute ist aufgebraucht.", "Die Minuten dafür sind für heute aufgebraucht.", "Morgen gibt es neue. Du kannst um mehr Zeit bitten."},
	}
}

func germanAdult() [reasons]Message {
	return [...]Message{
		ReasonCategory: {"Gesperrt für {who}.", "Kategorie: {what}.", "Das Profil entscheidet das; in den Einstellungen des Haushalts lässt es sich ändern."},
		ReasonLaw:      {"Diese Seite kann hier nicht geöffnet werden.", "Sie steht auf einer gesetzlichen Liste, die für alle gilt.", "Wenn Sie etwas Verbotenes gesehen haben, nimmt eine Meldestelle Hinweise an."},
		ReasonRule:     {"", "Eine Regel des Haushalts sperrt diesen Namen.", "Die Regel lässt sich in den Einstellungen des Haushalts ändern."},
		ReasonBedtime:  {"", "Bis {until} ist Schlafenszeit: alle Namen sind aus.", ""},
		ReasonHomework: {"", "Bis {until} ist Hausaufgabenzeit: zeitlich begrenzte Namen sind aus.", ""},
		ReasonSecurity: {"Diese Seite ist nicht sicher.", "Sie ist bekannt für Schadprogramme, Phishing oder Betrug.", "Schließen Sie die Seite. Wenn Sie dort ein Passwort eingegeben haben, ändern Sie es."},
		ReasonService:  {"", "Der Dienst {what} ist ausgeschaltet.", ""},
		ReasonSelfharm: {"Sie sind wichtig.", "Wenn gerade alles zu viel ist: Sie sind nicht allein.", "Sprechen Sie jetzt mit jemandem. Hilfeseiten gehen immer auf."},
		ReasonWarn:     {"Eine Warnung für {who}.", "", ""},
		ReasonUnknown:  {"", "Keine Liste kennt diesen Namen, und das Profil öffnet nur bekannte.", ""},
		ReasonNew:      {"", "Der Name ist keinen Monat alt. Solche Namen dienen oft dem Betrug.", ""},
		ReasonPause:    {"", "Das Internet macht Pause: alle Namen sind aus, außer was immer an ist.", "Die Pause lässt sich jederzeit beenden."},
		ReasonQuota:    {"", "Die Minuten des Tages sind aufgebraucht.", "Am nächsten Tag gibt es neue; für heute lassen sich mehr geben."},
	}
}
