package portal

// requestText is what stands on the pages of asking and answering. The texts by reader are for who is up to 9, for who is
// 10 to 15, and for who answers themself.
type requestText struct {
	Ask     readerText `yaml:"ask"`   // the button
	Title   readerText `yaml:"title"` // of the form
	Lead    readerText `yaml:"lead"`
	Time    string     `yaml:"time"` // the lead where time is asked for
	Mistake string     `yaml:"mistake"`
	Bad     string     `yaml:"bad"`
	Buttons string     `yaml:"buttons"` // the heading of them

	Site     string `yaml:"site"`
	Word     string `yaml:"word"`
	Long     string `yaml:"long"`
	HalfHour string `yaml:"half_hour"`
	Hour     string `yaml:"hour"`
	Today    string `yaml:"today"`
	Always   string `yaml:"always"`
	Send     string `yaml:"send"`
	Open     string `yaml:"open"`
	Cannot   string `yaml:"cannot"`
	Wait     string `yaml:"wait"`

	Waiting   text   `yaml:"waiting"`
	Half      text   `yaml:"half"`
	Granted   text   `yaml:"granted"`
	Opened    text   `yaml:"opened"` // by oneself
	Declined  text   `yaml:"declined"`
	Withdrawn text   `yaml:"withdrawn"`
	Expired   text   `yaml:"expired"`
	Until     string `yaml:"until"`
	Ever      string `yaml:"ever"`
	MoreTime  string `yaml:"more_time"`
	Soon      string `yaml:"soon"`    // {n} are the seconds, which count down: one text for all numbers
	Retry     string `yaml:"retry"`   // where it does not open
	Says      string `yaml:"says"`    // before the word of a parent with a name
	Parents   string `yaml:"parents"` // before the word of one without
	Yours     string `yaml:"yours"`   // before the child's own word
	Withdraw  string `yaml:"withdraw"`
	Look      string `yaml:"look"` // for an answer, without a script

	List   string            `yaml:"list"` // the heading on ask.<name>
	States map[string]string `yaml:"states"`
	What   string            `yaml:"what"`   // "more time"
	Wanted string            `yaml:"wanted"` // before it
}

// readerText is a text by who reads it.
type readerText struct {
	Child string `yaml:"child"`
	Teen  string `yaml:"teen"`
	Self  string `yaml:"self"`
}

// ticketText is what stands on the pages of appeals and reports.
type ticketText struct {
	Mistake     string   `yaml:"mistake"`
	AtHome      []string `yaml:"at_home"`
	ToOperator  []string `yaml:"to_operator"`
	Why         string   `yaml:"why"`
	Fine        string   `yaml:"fine"`
	Category    string   `yaml:"category"`
	Help        string   `yaml:"help"`
	Other       string   `yaml:"other"`
	Send        string   `yaml:"send"`
	Unlisted    string   `yaml:"unlisted"`
	Wait        string   `yaml:"wait"`
	NoName      string   `yaml:"no_name"`
	Thanks      string   `yaml:"thanks"`
	Promise     string   `yaml:"promise"`
	Number      string   `yaml:"number"`
	Link        string   `yaml:"link"`
	Bad         string   `yaml:"bad"`
	BadChild    []string `yaml:"bad_child"`
	BadLead     []string `yaml:"bad_lead"`
	What        string   `yaml:"what"`
	Scary       string   `yaml:"scary"`
	Kind        string   `yaml:"kind"`
	Illegal     string   `yaml:"illegal"`
	Hotline     string   `yaml:"hotline"`
	HotlineLead []string `yaml:"hotline_lead"`
	Outcome     string   `yaml:"outcome"` // the title of its page
	Upheld      string   `yaml:"upheld"`
	Declined    string   `yaml:"declined"`
	Sent        string   `yaml:"sent"`
	Expired     string   `yaml:"expired"`
	NotKnown    string   `yaml:"unknown"`
	Word        string   `yaml:"word"` // before the operator's
}
