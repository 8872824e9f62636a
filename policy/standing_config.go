package policy

// StandingConfig is extra time that a member may take without asking: once an evening a quarter of an hour more.
type StandingConfig struct {
	Minutes int    `yaml:"minutes"` // 1 to 120, of each time
	Times   int    `yaml:"times"`   // 1 to 20
	Per     string `yaml:"per"`     // day or week
}

// Bounds of standing grants. More of them at once nobody keeps an eye on.
const (
	maxStanding        = 8
	maxStandingMinutes = 120
	maxStandingTimes   = 20
)

// standing checks what members may take. Two of equal minutes could not be told apart.
func (v *validator) standing(path string, all []StandingConfig) {
	if len(all) > maxStanding {
		v.add(path, "%d standing grants are too many: write at most %d", len(all), maxStanding)
	}
	seen := map[int]bool{}
	for i, s := range all {
		at := v.item(path, i)
		if s.Minutes < 1 || s.Minutes > maxStandingMinutes {
			v.add(at+".minutes", "%d minutes: write 1 to %d", s.Minutes, maxStandingMinutes)
		}
		if s.Times < 1 || s.Times > maxStandingTimes {
			v.add(at+".times", "%d times: write 1 to %d", s.Times, maxStandingTimes)
		}
		v.cell(at+".per", s.Per, "day", "week")
		if seen[s.Minutes] {
			v.add(at+".minutes", "there is a standing grant of %d minutes already: write its times higher, or other minutes", s.Minutes)
		}
		seen[s.Minutes] = true
	}
}
