package portal

import (
	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/words"
)

// wording is what the pages say in one language: the texts of package policy, and what stands around them.
type wording struct {
	*policy.Phrases
	*pageWords
	Reviewed bool // both
}

// pageWords is a language's pages.yaml.
type pageWords struct {
	Reviewed bool      `yaml:"reviewed"`
	Weekdays [7]string `yaml:"weekdays"` // from Sunday
	Label    labels    `yaml:"label"`
	Pages    pageTexts `yaml:"pages"`
}

var wordings = words.Lazy(func(code string) (*wording, error) {
	pages, err := words.Read[pageWords](code, "pages")
	if err != nil {
		return nil, err
	}
	phrases := policy.Words(code)
	return &wording{phrases, pages, phrases.Reviewed && pages.Reviewed}, nil
})

type labels struct {
	Product        string      `yaml:"product"`
	Name           string      `yaml:"name"`
	For            string      `yaml:"for"`
	Rule           string      `yaml:"rule"`
	Until          string      `yaml:"until"`
	ID             string      `yaml:"id"`
	Places         string      `yaml:"places"`
	Talk           string      `yaml:"talk"`
	Free           string      `yaml:"free"`
	Online         string      `yaml:"online"`
	Time           string      `yaml:"time"`
	List           string      `yaml:"list"`
	Console        string      `yaml:"console"`
	Danger         string      `yaml:"danger"`
	DangerAnywhere string      `yaml:"danger_anywhere"`
	Trusted        string      `yaml:"trusted"`
	Report         string      `yaml:"report"`
	English        string      `yaml:"english"`
	SetByHousehold string      `yaml:"set_by_household"`
	UnknownHelp    string      `yaml:"unknown_help"`
	Explain        string      `yaml:"explain"`
	Recent         string      `yaml:"recent"`
	Start          string      `yaml:"start"`
	Ads            string      `yaml:"ads"`
	Seconds        string      `yaml:"seconds"`
	Minutes        words.Count `yaml:"minutes"`
	LogBlocked     string      `yaml:"log_blocked"`
	LogFull        string      `yaml:"log_full"`
}

// text is what a page that is no block says.
type text struct {
	Title string   `yaml:"title"`
	Lead  []string `yaml:"lead"`
}

type pageTexts struct {
	Allowed  text        `yaml:"allowed"`
	Neutral  text        `yaml:"neutral"`
	Hello    text        `yaml:"hello"`
	Stranger text        `yaml:"stranger"`
	Missing  text        `yaml:"missing"`
	Home     homeText    `yaml:"home"`
	Ask      askText     `yaml:"ask"`
	Enrol    enrolText   `yaml:"enrol"`
	Device   addText     `yaml:"device"`
	Who      whoText     `yaml:"who"`
	Continue goOnText    `yaml:"continue"`
	Request  requestText `yaml:"request"`
	Ticket   ticketText  `yaml:"ticket"`
	Me       meText      `yaml:"me"`
}

// goOnText is the page on which people pass a warning.
type goOnText struct {
	Link      string `yaml:"link"`
	Title     string `yaml:"title"`
	Who       string `yaml:"who"`        // will know
	WhoLogged string `yaml:"who_logged"` // of somebody whose names a parent reads
	WhoAdult  string `yaml:"who_adult"`  // of somebody who has no parents here
	Button    string `yaml:"button"`
	Done      string `yaml:"done"`
	DoneLead  string `yaml:"done_lead"`
	Old       string `yaml:"old"`
	Refused   string `yaml:"refused"`
	Trouble   string `yaml:"trouble"`
}

// addText is the page on which a device that is not known enrols itself.
type addText struct {
	Title   string   `yaml:"title"`
	Lead    []string `yaml:"lead"`
	Code    string   `yaml:"code"`
	Button  string   `yaml:"button"`
	Known   []string `yaml:"known"`
	Done    []string `yaml:"done"`
	Wrong   string   `yaml:"wrong"`
	Wait    string   `yaml:"wait"`
	Trouble string   `yaml:"trouble"`
	Link    string   `yaml:"link"`
}

// whoText is the page on which people say who uses a shared device.
type whoText struct {
	Title   string      `yaml:"title"`
	Lead    []string    `yaml:"lead"`
	Name    string      `yaml:"name"`
	PIN     string      `yaml:"pin"`
	For     string      `yaml:"for"`
	Minutes words.Count `yaml:"minutes"`
	Button  string      `yaml:"button"`
	Leave   string      `yaml:"leave"`
	Without []string    `yaml:"without"`
	Done    []string    `yaml:"done"`
	Wrong   string      `yaml:"wrong"`
	Wait    string      `yaml:"wait"`
	Trouble string      `yaml:"trouble"`
	Link    string      `yaml:"link"`
}

// enrolText is the page of a device's own settings for encrypted DNS.
type enrolText struct {
	Title            string   `yaml:"title"`
	Lead             string   `yaml:"lead"`
	Without          []string `yaml:"without"` // the device has no id
	Secret           string   `yaml:"secret"`
	HomeOnly         string   `yaml:"home_only"`
	Authority        string   `yaml:"authority"`
	AuthorityText    []string `yaml:"authority_text"`
	AuthorityLink    string   `yaml:"authority_link"`
	Android          string   `yaml:"android"`
	AndroidText      string   `yaml:"android_text"`
	AndroidAuthority string   `yaml:"android_authority"`
	AndroidPort      string   `yaml:"android_port"`
	AndroidNames     string   `yaml:"android_names"`
	Apple            string   `yaml:"apple"`
	AppleText        string   `yaml:"apple_text"`
	AppleTrust       string   `yaml:"apple_trust"`
	AppleLink        string   `yaml:"apple_link"`
	Web              string   `yaml:"web"`
	WebText          string   `yaml:"web_text"`
	Other            string   `yaml:"other"`
}

type homeText struct {
	Title    string   `yaml:"title"`
	Lead     []string `yaml:"lead"`
	Try      string   `yaml:"try"`
	TryAsk   string   `yaml:"try_ask"`
	TryTest  string   `yaml:"try_test"`
	TryEnrol string   `yaml:"try_enrol"`
}

type askText struct {
	Title string   `yaml:"title"`
	Lead  []string `yaml:"lead"`
	Empty string   `yaml:"empty"`
	Hint  string   `yaml:"hint"`
}

// fill puts values for the names in braces of a text.
func fill(text string, values map[string]string) string { return words.Fill(text, values) }

func fillAll(texts []string, values map[string]string) []string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = fill(t, values)
	}
	return out
}
