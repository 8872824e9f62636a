package console

import (
	"fmt"
	"net/url"
	"slices"
	"strings"

	"rsc.io/qr"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
)

// devicesParts is the list of devices.
type devicesParts struct {
	Devices []deviceRow
	Guests  []guestRow
	Whose   []option // to whom a new one can be given
	Manage  bool
	Code    *codeBox // that was just made
}

type deviceRow struct {
	Name, URL, Who string
	Thing          bool
	Here           bool // can be changed here
}

type guestRow struct{ Name, Address string }

// codeBox is the code for a new device.
type codeBox struct {
	Code, For, Until, URL string
	Picture               *picture
}

// picture is a QR code (ISO/IEC 18004) as an outline of its dark squares.
type picture struct {
	Size int // squares a side, with the quiet zone
	Path string
}

// quiet is the margin of a QR code in squares (ISO/IEC 18004, 6.3.8).
const quiet = 4

func draw(text string) (*picture, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return nil, err
	}
	var path strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			long := 0
			for x+long < code.Size && code.Black(x+long, y) {
				long++
			}
			if long > 0 {
				writeRun(&path, x+quiet, y+quiet, long)
				x += long
			}
		}
	}
	return &picture{Size: code.Size + 2*quiet, Path: path.String()}, nil
}

func (c *Console) devicesPage(v *visit) error {
	p, err := v.devicesParts()
	if err != nil {
		return err
	}
	return v.show("devices", p)
}

func (v *visit) devicesParts() (*page, error) {
	h, err := v.c.Desk.Show(v.r.Context(), v.who())
	if err != nil {
		return nil, err
	}
	known, guests, err := v.c.Desk.Devices(v.r.Context(), v.who())
	if err != nil {
		return nil, err
	}
	parts := &devicesParts{Manage: v.actor().Role >= parents.Parent, Whose: v.whoseOptions(h, "")}
	for _, d := range known {
		parts.Devices = append(parts.Devices, deviceRow{
			Name: d.Name, URL: "/device/" + segment(d.Name), Who: v.whose(d), Thing: d.Profile == policy.Things.String(), Here: d.Owner != parents.OwnerYAML,
		})
	}
	for _, s := range guests {
		parts.Guests = append(parts.Guests, guestRow{s.Name, s.Address.String()})
	}
	p := v.blank(v.say("devices.title"), "devices", parts)
	p.File = v.file(h)
	return p, nil
}

// whose says whose a device is.
func (v *visit) whose(d parents.Device) string {
	switch {
	case len(d.Members) > 0:
		return strings.Join(d.Members, ", ")
	case d.Profile == policy.Things.String():
		return v.say("devices.thing")
	}
	if b, ok := policy.ParseBand(d.Profile); ok {
		return v.band(b.String())
	}
	return d.Profile
}

// whoseOptions are whom a device can be given to: each member, everybody, or nobody, which makes it a thing.
func (v *visit) whoseOptions(h parents.Household, now string) (list []option) {
	for _, m := range h.Members {
		list = append(list, option{"member/" + m.Name, m.Name, m.Name == now})
	}
	return append(list, option{"all", v.say("devices.shared"), now == "all"}, option{"thing", v.say("devices.thing"), now == "thing"})
}

// assignment reads whom a form gives a device to.
func (v *visit) assignment() (a parents.Assignment, err error) {
	switch to := v.form("for"); to {
	case "thing":
		a.Profile = policy.Things.String()
	case "all":
		h, err := v.c.Desk.Show(v.r.Context(), v.who())
		if err != nil {
			return a, err
		}
		for _, m := range h.Members {
			a.Members = append(a.Members, m.Name)
		}
	default:
		a.Members = []string{strings.TrimPrefix(to, "member/")}
	}
	return a, nil
}

// enrol makes a code for a new device, as letters and as a picture.
func (c *Console) enrol(v *visit) error {
	code, err := v.newCode()
	p, failed := v.devicesParts()
	if failed != nil {
		return failed
	}
	if err != nil {
		return v.again("devices", p, err)
	}
	parts, _ := p.Parts.(*devicesParts)
	parts.Code = code
	return v.show("devices", p)
}

func (v *visit) newCode() (*codeBox, error) {
	to, err := v.assignment()
	if err != nil {
		return nil, err
	}
	code, err := v.c.Desk.Invite(v.r.Context(), v.who(), to, v.form("name"))
	if err != nil {
		return nil, err
	}
	box := &codeBox{Code: code.Code, For: code.For, Until: v.when(code.Until), URL: v.c.Ask + "/device?code=" + url.QueryEscape(code.Code)}
	if v.c.Ask != "" {
		box.Picture, err = draw(box.URL)
	}
	return box, err
}

// deviceParts is the page of one device.
type deviceParts struct {
	Device  parents.Device
	URL     string
	Who     string
	Whose   []option
	Manage  bool
	Here    bool
	Sheet   *parents.Sheet
	Waiting int
}

func (c *Console) devicePage(v *visit) error {
	p, err := v.deviceParts()
	if err != nil {
		return err
	}
	return v.show("device", p)
}

func (v *visit) deviceParts() (*page, error) {
	h, err := v.c.Desk.Show(v.r.Context(), v.device())
	if err != nil {
		return nil, err
	}
	known, _, err := v.c.Desk.Devices(v.r.Context(), v.who())
	if err != nil {
		return nil, err
	}
	name := v.name()
	parts := deviceParts{URL: "/device/" + segment(name), Manage: v.actor().Role >= parents.Parent}
	for _, d := range known {
		if d.Name == name {
			parts.Device, parts.Who, parts.Here = d, v.whose(d), d.Owner != parents.OwnerYAML
		}
	}
	if parts.Device.Name == "" {
		return nil, v.gone(name)
	}
	now := "same"
	switch {
	case len(parts.Device.Members) == len(h.Members):
		now = "all"
	case parts.Device.Profile == policy.Things.String():
		now = "thing"
		sheet, err := v.c.Desk.Sheet(v.r.Context(), v.device())
		if err != nil {
			return nil, err
		}
		const most = 40 // on one page of 30 kB; the rest follows when these are confirmed
		sheet.More = sheet.More || len(sheet.Names) > most
		slices.SortStableFunc(sheet.Names, func(a, b parents.SheetedName) int { return strings.Compare(b.State, a.State) }) // what waits first
		sheet.Names = sheet.Names[:min(len(sheet.Names), most)]
		parts.Sheet = &sheet
		for _, n := range sheet.Names {
			if n.State == "waits" {
				parts.Waiting++
			}
		}
	case len(parts.Device.Members) == 1:
		now = parts.Device.Members[0]
	}
	if parts.Whose = v.whoseOptions(h, now); now == "same" { // some of the members, or a profile: no other choice is that
		parts.Whose = slices.Insert(parts.Whose, 0, option{now, parts.Who, true})
	}
	p := v.blank(name, "devices", parts)
	p.File = v.file(h)
	return p, nil
}

// leftOut are the names that a thing may not ask for: those that were ticked, and of those that were not on the page what
// nobody has confirmed.
func (v *visit) leftOut() ([]string, error) {
	sheet, err := v.c.Desk.Sheet(v.r.Context(), v.device())
	without := v.r.PostForm["without"]
	for _, n := range sheet.Names {
		if n.State != "confirmed" && !slices.Contains(v.r.PostForm["seen"], n.Name) && !slices.Contains(without, n.Name) {
			without = append(without, n.Name)
		}
	}
	return without, err
}

func (c *Console) deviceAct(v *visit) error {
	act, back := v.r.PathValue("act"), "/device/"+segment(v.name())
	var err error
	switch act {
	case "rename":
		var d parents.Device
		if d, err = c.Desk.Rename(v.r.Context(), v.device(), v.form("name")); err == nil {
			back = "/device/" + segment(d.Name)
		}
	case "assign":
		if v.form("for") == "same" {
			break
		}
		var to parents.Assignment
		if to, err = v.assignment(); err == nil {
			_, err = c.Desk.Assign(v.r.Context(), v.device(), to)
		}
	case "remove":
		err, back = c.Desk.Remove(v.r.Context(), v.device()), "/devices"
	case "learn":
		_, err = c.Desk.Learn(v.r.Context(), v.device(), "")
	case "confirm":
		var without []string
		if without, err = v.leftOut(); err == nil {
			_, err = c.Desk.ConfirmThing(v.r.Context(), v.device(), without...)
		}
	default:
		return v.missing()
	}
	if err != nil {
		p, failed := v.deviceParts()
		if failed != nil {
			return err
		}
		return v.again("device", p, err)
	}
	return v.done(back, "device_"+act)
}

// writeRun adds a row of dark squares to an outline.
func writeRun(path *strings.Builder, x, y, long int) {
	fmt.Fprintf(path, "M%d %dh%dv1h-%dz", x, y, long, long)
}
