package policy

func spanish() *Phrases {
	return &Phrases{
		Language: "es", ThisDevice: "este dispositivo", Unknown: "Este dispositivo aún no es conocido.", Security: "Seguridad", Search: "Búsqueda sin SafeSearch",
		Groups: map[string]string{
			"sex": "Sexo", "violence": "Violencia y odio", "selfharm": "Autolesión", "drugs": "Drogas, alcohol, tabaco",
			"money": "Apuestas y dinero", "piracy": "Piratería", "social": "Redes sociales y chat", "video": "Vídeo",
			"games": "Juegos", "bypass": "Saltarse el filtro", "security": "Seguridad", "ads": "Publicidad",
		},
		Bands: [...]string{"", "niño pequeño, 0-5", "niño, 6-9", "10-12 años", "13-15 años", "16-17 años", "adulto", "dispositivo"},
		Steps: [...]string{"",
			"La ley lo prohíbe, para todos.",
			"El propio filtro y la ayuda de emergencia necesitan este nombre.",
			"Tu hogar tiene una regla contra este nombre.",
			"La ayuda y lo que los dispositivos necesitan está siempre disponible.",
			"Es hora de dormir: todo está apagado.",
			"Es hora de los deberes: los sitios con horario están apagados.",
			"El sitio es peligroso para todos.",
			"Tu hogar tiene una regla que permite este nombre.",
			"Decide un interruptor de este servicio.",
			"Las reglas de esta edad deciden sobre este tipo de sitio.",
			"Decide la etiqueta de edad del propio sitio.",
			"Ninguna lista sabe más de este sitio.",
		},
		Short: [...]string{
			ReasonCategory: "Bloqueado en este perfil: {what}",
			ReasonRule:     "Bloqueado por una regla de este hogar",
			ReasonBedtime:  "Hora de dormir: todo está apagado",
			ReasonHomework: "Hora de los deberes: esto está apagado",
			ReasonSelfharm: "Bloqueado en este perfil",
			ReasonUnknown:  "No está entre los sitios que abre este perfil",
			ReasonNew:      "Este sitio es muy nuevo",
			ReasonPause:    "Pausa: todo está apagado",
			ReasonQuota:    "El tiempo para esto se ha acabado por hoy",
		},
		pages: [readers][reasons]Message{spanishChild(), spanishTeen(), spanishAdult()},
	}
}

func spanishChild() [reasons]Message {
	return [...]Message{
		ReasonCategory: {"Esta página no es para ahora.", "Estas reglas te cuidan. No has hecho nada malo.", "Pregunta a una persona mayor."},
		ReasonLaw:      {"Esta página no se puede abrir.", "No has hecho nada malo.", "¿Has visto algo malo? Díselo a una persona mayor."},
		ReasonBedtime:  {"Internet duerme hasta las {until}.", "Es hora de dormir. No has hecho nada malo.", "Duerme bien. La ayuda siempre está, también de noche."},
		ReasonHomework: {"Esto es para luego.", "Es hora de los deberes hasta las {until}.", "Prueba otra vez a las {until}."},
		ReasonSecurity: {"Esta página no es segura.", "Puede dañar este dispositivo. No has hecho nada malo.", "Ciérrala y díselo a una persona mayor."},
		ReasonSelfharm: {"Tú importas.", "No tienes que estar a solas. No has hecho nada malo.", "Habla con una persona mayor o con un teléfono de ayuda."},
		ReasonUnknown:  {"", "Nadie ha mirado aún esta página. No has hecho nada malo.", "Pide a una persona mayor que la mire contigo."},
		ReasonNew:      {"", "Esta página es muy nueva. Nadie la conoce aún.", ""},
		ReasonPause:    {"Internet está en pausa.", "Una persona mayor lo ha parado. No has hecho nada malo.", "Pregunta a una persona mayor cuándo sigue."},
		ReasonQuota:    {"Esto es todo por hoy.", "El tiempo para esto se ha acabado. No has hecho nada malo.", "Mañana habrá tiempo nuevo."},
	}
}

func spanishTeen() [reasons]Message {
	return [...]Message{
		ReasonCategory: {"Este sitio está bloqueado en tu perfil.", "Trata de: {what}.", "Puedes pedirlo, decir que es un error o hablar con alguien."},
		ReasonLaw:      {"Este sitio no se puede abrir aquí.", "Está en una lista legal que vale para todos.", "Si has visto algo ilegal, una línea de denuncia recoge avisos."},
		ReasonRule:     {"", "Tu hogar tiene una regla para este sitio.", ""},
		ReasonBedtime:  {"Hora de dormir hasta las {until}.", "A esta hora todo está apagado, menos la ayuda.", "Vuelve a funcionar a las {until}. Puedes pedir más tiempo."},
		ReasonHomework: {"Apagado durante los deberes.", "Este sitio está apagado hasta las {until}.", "Vuelve a funcionar a las {until}. Puedes pedir más tiempo."},
		ReasonSecurity: {"Este sitio no es seguro.", "Se le conoce por virus, robo de contraseñas o estafas, y aquí está bloqueado para todos.", "Cierra la página. Si escribiste una contraseña, cámbiala."},
		ReasonService:  {"", "{what} está apagado en tu perfil.", ""},
		ReasonSelfharm: {"Tú importas.", "Si ahora todo pesa demasiado: no tienes que estar a solas.", "Habla con alguien ahora. Los sitios de ayuda siempre se abren."},
		ReasonWarn:     {"Tómate un momento antes de seguir.", "", ""},
		ReasonUnknown:  {"", "Ninguna lista conoce este sitio, y tu perfil solo abre los conocidos.", ""},
		ReasonNew:      {"", "Este sitio tiene menos de un mes. Sitios así se usan a menudo para estafas.", ""},
		ReasonPause:    {"Internet está en pausa.", "Alguien de tu hogar lo ha parado. La ayuda se abre siempre.", "Pregunta cuándo sigue, o pide más tiempo."},
		ReasonQuota:    {"El tiempo de hoy se ha acabado.", "Los minutos para esto se han acabado por hoy.", "Mañana habrá más. Puedes pedir más tiempo."},
	}
}

func spanishAdult() [reasons]Message {
	return [...]Message{
		ReasonCategory: {"Bloqueado para {who}.", "Categoría: {what}.", "Lo decide el perfil; se cambia en los ajustes del hogar."},
		ReasonLaw:      {"Este sitio no se puede abrir aquí.", "Está en una lista legal que vale para todos.", "Si ha visto algo ilegal, una línea de denuncia recoge avisos."},
		ReasonRule:     {"", "Una regla del hogar bloquea este nombre.", "La regla se cambia en los ajustes del hogar."},
		ReasonBedtime:  {"", "Es hora de dormir hasta las {until}: todos los nombres están apagados.", ""},
		ReasonHomework: {"", "Es hora de los deberes hasta las {until}: los nombres con horario están apagados.", ""},
		ReasonSecurity: {"Este sitio no es seguro.", "Se le conoce por virus, suplantación o estafas.", "Cierre la página. Si escribió una contraseña, cámbiela."},
		ReasonService:  {"", "El servicio {what} está apagado.", ""},
		ReasonSelfharm: {"Usted importa.", "Si ahora todo pesa demasiado: no tiene que estar a solas.", "Hable con alguien ahora. Los sitios de ayuda siempre se abren."},
		ReasonWarn:     {"Un aviso para {who}.", "", ""},
		ReasonUnknown:  {"", "Ninguna lista conoce este nombre, y el perfil solo abre los conocidos.", ""},
		ReasonNew:      {"", "El nombre tiene menos de un mes. Nombres así se usan a menudo para estafas.", ""},
		ReasonPause:    {"", "Internet está en pausa: todos los nombres están apagados, menos lo que siempre está encendido.", "La pausa se puede terminar en cualquier momento."},
		ReasonQuota:    {"", "Los minutos del día se han acabado.", "Mañana habrá nuevos; para hoy se pueden dar más."},
	}
}
