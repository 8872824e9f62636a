package policy

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
)

// What an id must have. It is one label of a name (RFC 1035: at most 63 octets), and 16 of the 32 signs of base32
// are 80 bits, which nobody tries out over a network.
const (
	minID, maxID = 16, 63
	idSigns      = 8 // different letters and digits
)

var errWeakID = errors.New("an id is a secret that nobody may guess, and this one looks made up by hand: write one that `hearth enrol --new` makes")

// CheckDeviceID says what is wrong with a device's id, nil if it will do. The error does not repeat the id.
// How random it is nobody can see; so it must have 16 letters and digits, 8 different ones among them, and digits in
// two places with letters between, which words, dates and repetitions do not have.
func CheckDeviceID(id string) error {
	const signs = "abcdefghijklmnopqrstuvwxyz0123456789"
	switch {
	case len(id) < minID || len(id) > maxID || strings.Trim(id, signs+"-") != "":
		return fmt.Errorf("an id has %d to %d of a-z, 0-9 and -: write one that `hearth enrol --new` makes", minID, maxID)
	case id[0] == '-' || id[len(id)-1] == '-' || id[2:4] == "--":
		return errors.New("an id is part of a host name, so it neither begins nor ends with -, nor has -- at its third place: write one that `hearth enrol --new` makes")
	}
	plain := strings.ReplaceAll(id, "-", "")
	different, places := 0, 0
	for _, sign := range signs {
		if strings.ContainsRune(plain, sign) {
			different++
		}
	}
	for i := range plain {
		if digit(plain[i]) && (i == 0 || !digit(plain[i-1])) {
			places++
		}
	}
	if len(plain) < minID || different < idSigns || places < 2 {
		return errWeakID
	}
	return nil
}

func digit(c byte) bool { return '0' <= c && c <= '9' }

// IdentifyDevice says which device has an id, in lower case: whoever shows it is taken for the device, wherever it
// is. It is false for an id that no device has, and for "". 0 allocations.
func (d *Directory) IdentifyDevice(id string) (Client, bool) {
	at, known := d.ids[id]
	return d.clients[at], known
}

// ReadClient finds a client as a person writes it, by ReadFacts and IdentifyBy. The address is the
// zero Addr if there is none. The error does not repeat an id.
func (d *Directory) ReadClient(text string) (Client, netip.Addr, error) {
	f, err := ReadFacts(text)
	if err != nil {
		return Client{}, f.Addr, err
	}
	return d.IdentifyBy(&f), f.Addr, nil
}

// ReadFacts reads what is known of a client as a person writes it: an address, and any of "id:" and a device's id,
// "mac:" and a MAC, "name:" and the name it gives itself, "token:" and what a forwarder tells, with spaces between.
// The error does not repeat an id.
func ReadFacts(text string) (f Facts, err error) {
	before, id, _ := splitID(text)
	f.ID = strings.ToLower(strings.TrimSpace(id))
	for word := range strings.FieldsSeq(before) {
		kind, value, _ := strings.Cut(word, ":")
		switch kind {
		case "mac":
			f.MAC, err = ParseMAC(value)
		case "name":
			f.Name = HostLabel(value)
		case "token":
			f.Token = value
		default:
			if f.Addr, err = netip.ParseAddr(word); err != nil {
				err = fmt.Errorf("%q is not an address: write one such as 192.168.1.20 or 2001:db8::20, id:ID, or both; mac:, name: and token: may stand behind an address", word)
			}
		}
		if err != nil {
			return f, err
		}
	}
	if f == (Facts{}) {
		return f, errors.New("there is no client: write an address such as 192.168.1.20 or 2001:db8::20, id:ID, or both")
	}
	return f, nil
}

// splitID takes the id out of a client, where it stands last.
func splitID(client string) (before, id string, found bool) {
	if id, found = strings.CutPrefix(client, "id:"); found {
		return "", id, true
	}
	before, id, found = strings.Cut(client, " id:")
	return strings.TrimSpace(before), id, found
}

// unnamed is a client without the id, for what is shown.
func unnamed(client string) string {
	before, _, found := splitID(client)
	if !found {
		return client
	}
	return strings.TrimSpace(before + " id:…")
}
