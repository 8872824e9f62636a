package policy

// calendar checks school days, holidays and exceptions.
func (v *validator) calendar(path string, h HouseholdConfig, members map[string]bool) {
	if len(h.Calendar.SchoolDays) > 0 {
		_, err := parseDays(path+".calendar.school_days", h.Calendar.SchoolDays)
		v.addErr("", err)
	}
	total := int64(0)
	for i, o := range h.Calendar.Holidays {
		at := v.item(path+".calendar.holidays", i)
		switch {
		case o.From.IsZero():
			v.add(at+".from", "the first day is missing: write it as YYYY-MM-DD")
		case o.last().Before(o.From):
			v.add(at+".to", "%s lies before the first day, %s: write the last day, or leave it out", o.To, o.From)
		default:
			total += o.last().number() - o.From.number() + 1
		}
	}
	if total > maxHolidays {
		v.add(path+".calendar.holidays", "these are %d days: write at most %d, those of some years", total, maxHolidays)
	}
	if n := len(h.Exceptions); n > maxExceptions {
		v.add(path+".exceptions", "these are %d: write at most %d, and take out those that are over", n, maxExceptions)
	}
	for i, e := range h.Exceptions {
		v.exception(v.item(path+".exceptions", i), e, members)
	}
}

func (v *validator) exception(path string, e ExceptionConfig, members map[string]bool) {
	if e.Date.IsZero() {
		v.add(path+".date", "the day is missing: write it as YYYY-MM-DD")
	}
	if e.Member != "" {
		v.memberRef(path+".member", e.Member, members)
	}
	if e.Bedtime == "" && e.Homework == "" {
		v.add(path, `nothing is different on this day: write bedtime or homework, as "23:30-09:00" or off`)
	}
	v.span(path+".bedtime", e.Bedtime)
	v.span(path+".homework", e.Homework)
}

// span checks a stretch of a day that may be off, or absent.
func (v *validator) span(path, text string) {
	if text == "" || text == off {
		return
	}
	_, err := parseSpan(text)
	v.addErr(path, err)
}

// quotas checks those of a profile or a person.
func (v *validator) quotas(path string, quotas []QuotaConfig) {
	if n := len(quotas); n > maxQuotas {
		v.add(path, "these are %d quotas: write at most %d", n, maxQuotas)
	}
	seen := map[string]bool{}
	for i, q := range quotas {
		at := v.item(path, i)
		of, _, ok := quotaNames(v.taxonomy, q.Of)
		switch {
		case !ok:
			v.add(at+".of", "%q is nothing that a quota can be of: write %s, a category such as fun.video, or a service; did you mean %q?",
				q.Of, quotaTotal, v.taxonomy.Nearest(q.Of))
		case seen[of]:
			v.add(at+".of", "%s has a quota already: write one, with free for the days without school", of)
		}
		seen[of] = true
		if q.Minutes == nil {
			v.add(at+".minutes", "the minutes of school days are missing: write 1 to %d, or 0 for not at all; %d for no limit on them", minutesOfDay, minutesOfDay)
		} else {
			v.minutes(at+".minutes", *q.Minutes)
		}
		if q.Free != nil {
			v.minutes(at+".free", *q.Free)
		}
	}
}

func (v *validator) minutes(path string, n int) {
	if n < 0 || n > minutesOfDay {
		v.add(path, "a day has no %d minutes: write 0 (not at all) to %d", n, minutesOfDay)
	}
}
