package policy

func italian() *Phrases {
	return &Phrases{
		Language: "it", ThisDevice: "questo dispositivo", Unknown: "Questo dispositivo non è ancora conosciuto.", Security: "Sicurezza", Search: "Ricerca senza SafeSearch",
		Groups: map[string]string{
			"sex": "Sesso", "violence": "Violenza e odio", "selfharm": "Autolesionismo", "drugs": "Droghe, alcol, tabacco",
			"money": "Gioco d'azzardo e denaro", "piracy": "Pirateria e hacking", "social": "Social e chat", "video": "Video",
			"games": "Giochi", "bypass": "Aggirare il filtro", "security": "Sicurezza", "ads": "Pubblicità",
		},
		Bands: [...]string{"", "bambino piccolo, 0-5", "bambino, 6-9", "10-12 anni", "13-15 anni", "16-17 anni", "adulto", "dispositivo"},
		Steps: [...]string{"",
			"La legge lo vieta, a tutti.",
			"Il filtro stesso e gli aiuti d'emergenza hanno bisogno di questo nome.",
			"La tua famiglia ha una regola contro questo nome.",
			"Gli aiuti e ciò che serve ai dispositivi sono sempre attivi.",
			"È ora di dormire: tutto è spento.",
			"È ora dei compiti: i siti a tempo sono spenti.",
			"Il sito è pericoloso per tutti.",
			"La tua famiglia ha una regola che permette questo nome.",
			"Decide un interruttore di questo servizio.",
			"Le regole di questa età decidono su questo tipo di sito.",
			"Decide l'etichetta d'età del sito stesso.",
			"Nessuna lista sa di più su questo sito.",
		},
		Short: [...]string{
			ReasonCategory: "Bloccato su questo profilo: {what}",
			ReasonRule:     "Bloccato da una regola di questa famiglia",
			ReasonBedtime:  "Ora di dormire: tutto è spento",
			ReasonHomework: "Ora dei compiti: questo è spento",
			ReasonSelfharm: "Bloccato su questo profilo",
			ReasonUnknown:  "Non è tra i siti che questo profilo apre",
			ReasonNew:      "Questo sito è molto nuovo",
			ReasonPause:    "Pausa: tutto è spento",
			ReasonQuota:    "Il tempo per questo è finito per oggi",
		},
		pages: [readers][reasons]Message{italianChild(), italianTeen(), italianAdult()},
	}
}

func italianChild() [reasons]Message {
	return [...]Message{
		ReasonCategory: {"Questa pagina non è per adesso.", "Queste regole ti proteggono. Non hai fatto niente di male.", "Chiedi a un grande."},
		ReasonLaw:      {"Questa pagina non si può aprire.", "Non hai fatto niente di male.", "Hai visto qualcosa di brutto? Dillo a un grande."},
		ReasonBedtime:  {"Internet dorme fino alle {until}.", "È ora di dormire. Non hai fatto niente di male.", "Dormi bene. L'aiuto c'è sempre, anche di notte."},
		ReasonHomework: {"Questo è per dopo.", "È ora dei compiti fino alle {until}.", "Riprova alle {until}."},
		ReasonSecurity: {"Questa pagina non è sicura.", "Può rovinare questo dispositivo. Non hai fatto niente di male.", "Chiudila e dillo a un grande."},
		ReasonSelfharm: {"Tu sei importante.", "Qualcuno ti ascolta. Non hai fatto niente di male.", "Parla con un grande di fiducia, o con una linea d'ascolto."},
		ReasonUnknown:  {"", "Nessuno ha ancora guardato questa pagina. Non hai fatto niente di male.", "Chiedi a un grande di guardarla con te."},
		ReasonNew:      {"", "Questa pagina è nuovissima. Nessuno la conosce ancora.", ""},
		ReasonPause:    {"Internet fa una pausa.", "Un grande l'ha messo in pausa. Non hai fatto niente di male.", "Chiedi a un grande quando si riparte."},
		ReasonQuota:    {"Per oggi è tutto.", "Il tempo per questo è finito. Non hai fatto niente di male.", "Domani c'è altro tempo."},
	}
}

func italianTeen() [reasons]Message {
	return [...]Message{
		ReasonCategory: {"Questo sito è bloccato sul tuo profilo.", "Si tratta di: {what}.", "Puoi chiederlo, dire che è un errore o parlare con qualcuno."},
		ReasonLaw:      {"Questo sito non si può aprire qui.", "È in una lista di legge che vale per tutti.", "Se hai visto qualcosa di illegale, una hotline raccoglie le segnalazioni."},
		ReasonRule:     {"", "La tua famiglia ha una regola per questo sito.", ""},
		ReasonBedtime:  {"Ora di dormire fino alle {until}.", "A quest'ora tutto è spento, tranne gli aiuti.", "Funziona di nuovo alle {until}. Puoi chiedere più tempo."},
		ReasonHomework: {"Spento durante i compiti.", "Questo sito è spento fino alle {until}.", "Funziona di nuovo alle {until}. Puoi chiedere più tempo."},
		ReasonSecurity: {"Questo sito non è sicuro.", "È noto per virus, furto di password o truffe, e qui è bloccato per tutti.", "Chiudi la pagina. Se hai scritto una password, cambiala."},
		ReasonService:  {"", "{what} è spento sul tuo profilo.", ""},
		ReasonSelfharm: {"Tu sei importante.", "Se adesso è tutto troppo: qualcuno ti ascolta.", "Parla subito con qualcuno. I siti di aiuto si aprono sempre."},
		ReasonWarn:     {"Fermati un momento prima di continuare.", "", ""},
		ReasonUnknown:  {"", "Nessuna lista conosce questo sito, e il tuo profilo apre solo quelli conosciuti.", ""},
		ReasonNew:      {"", "Questo sito ha meno di un mese. Siti così servono spesso a truffe.", ""},
		ReasonPause:    {"Internet è in pausa.", "Qualcuno in famiglia l'ha messo in pausa. Gli aiuti si aprono sempre.", "Chiedi quando si riparte, o chiedi più tempo."},
		ReasonQuota:    {"Il tempo di oggi è finito.", "I minuti per questo sono finiti per oggi.", "Domani ce ne sono altri. Puoi chiedere più tempo."},
	}
}

func italianAdult() [reasons]Message {
	return [...]Message{
		ReasonCategory: {"Bloccato per {who}.", "Categoria: {what}.", "Lo decide il profilo; si cambia nelle impostazioni della famiglia."},
		ReasonLaw:      {"Questo sito non si può aprire qui.", "È in una lista di legge che vale per tutti.", "Se ha visto qualcosa di illegale, una hotline raccoglie le segnalazioni."},
		ReasonRule:     {"", "Una regola della famiglia blocca questo nome.", "La regola si cambia nelle impostazioni della famiglia."},
		ReasonBedtime:  {"", "È ora di dormire fino alle {until}: tutti i nomi sono spenti.", ""},
		ReasonHomework: {"", "È ora dei compiti fino alle {until}: i nomi a tempo sono spenti.", ""},
		ReasonSecurity: {"Questo sito non è sicuro.", "È noto per virus, phishing o truffe.", "Chiuda la pagina. Se ha scritto una password, la cambi."},
		ReasonService:  {"", "Il servizio {what} è spento.", ""},
		ReasonSelfharm: {"Lei è importante.", "Se adesso è tutto troppo: qualcuno la ascolta.", "Parli subito con qualcuno. I siti di aiuto si aprono sempre."},
		ReasonWarn:     {"Un avviso per {who}.", "", ""},
		ReasonUnknown:  {"", "Nessuna lista conosce questo nome, e il profilo apre solo quelli conosciuti.", ""},
		ReasonNew:      {"", "Il nome ha meno di un mese. Nomi così servono spesso a truffe.", ""},
		ReasonPause:    {"", "Internet è in pausa: tutti i nomi sono spenti, tranne quello che resta sempre acceso.", "La pausa si può finire in ogni momento."},
		ReasonQuota:    {"", "I minuti della giornata sono finiti.", "Domani ce ne sono altri; per oggi se ne possono dare di più."},
	}
}
