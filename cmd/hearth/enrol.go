package main

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/netip"
	"os"
	"slices"
	"strings"

	"github.com/hearthdns/hearth/policy"
	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/portal"
	"github.com/hearthdns/hearth/resolver"
	"github.com/hearthdns/hearth/resolver/listen/certificate"
	"github.com/spf13/cobra"
	"golang.org/x/term"
	"rsc.io/qr"
)

func (a *app) enrolCommand() *cobra.Command {
	var fresh, ca bool
	cmd := &cobra.Command{
		Use:   "enrol [DEVICE]",
		Short: "Say what to enter on a device for encrypted DNS",
		Long: `Say what to enter on a device so that it asks over an encrypted connection and
is known wherever it is: for Android, Apple's systems, Windows, browsers and
other programs. Without DEVICE it is what holds for all of them; a device is
then known by its address alone.

The settings of a device are its secret: who has them is taken for it.

The running server is asked on its control socket. With --config FILE the
answer is worked out offline from that file and the state folder.`,
		Example: `  hearth enrol kim-tablet
  hearth enrol --new                      # a fresh id for the configuration
  hearth enrol --ca > hearth-ca.pem       # the certificate that devices must trust`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 || len(args) == 1 && (fresh || ca) || fresh && ca {
				return usageError{errors.New("give one of DEVICE, --new and --ca")}
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if fresh {
				return a.newID()
			}
			return a.enrol(cmd.Context(), strings.Join(args, ""), ca)
		},
	}
	cmd.Flags().BoolVar(&fresh, "new", false, "print a new id for a device, and how to write it down")
	cmd.Flags().BoolVar(&ca, "ca", false, "print the certificate of the local authority (PEM)")
	return cmd
}

// newID prints 128 random bits as part of a host name. What chance made look like a word is not taken.
func (a *app) newID() error {
	id := strings.ToLower(rand.Text())
	for policy.CheckDeviceID(id) != nil {
		id = strings.ToLower(rand.Text())
	}
	a.print(map[string]string{"id": id}, func(w io.Writer) {
		fmt.Fprintf(w, "%s\n\nWrite it into the configuration, beside the device's name:\n\n  id: %[1]s\n\nIt is the device's secret: who has it is taken for the device. A new one makes the old one void.\n", id)
	})
	return nil
}

// enrolled is what a device is set to, with who said so.
type enrolled struct {
	AnsweredBy string `json:"answered_by"`
	portal.Settings
}

func (a *app) enrol(ctx context.Context, device string, ca bool) error {
	if err := a.wholeAuthority(); err != nil {
		return err
	}
	c, err := a.reach()
	if err != nil {
		return err
	}
	path := "/v1/settings"
	if device != "" {
		who := (&whom{parents.Who{Device: device}}).ready()
		path = at(who.Household, "devices", who.Device, "settings")
	}
	s := enrolled{AnsweredBy: c.where}
	if err := a.ask(ctx, c, look(path), &s.Settings); err != nil {
		return err
	}
	if !ca {
		a.print(s, func(w io.Writer) { s.describe(w, picture(w)) })
		return nil
	}
	if s.Authority == "" {
		return errors.New("there is no authority of this server alone: hearth serve makes one at its first start with tls.source: local; the certificates of files and of ACME are not vouched for by this server")
	}
	a.print(map[string]string{"authority": s.Authority, "fingerprint": s.Fingerprint, "pin": s.Pin}, func(w io.Writer) {
		fmt.Fprint(w, s.Authority)
	})
	return nil
}

// wholeAuthority complains, offline, of an authority that cannot be read.
func (a *app) wholeAuthority() error {
	if a.config == "" {
		return nil
	}
	l, err := a.load()
	if err != nil {
		return err
	}
	state, err := a.stateDir(&l.Config)
	if err != nil {
		return err
	}
	_, err = offlineAuthority(&l.Config, state)
	return err
}

// describe says it to a person, with a QR code of the shortest way where pictures can be seen.
func (s enrolled) describe(w io.Writer, pictures bool) {
	line := func(label, text string) {
		if text != "" {
			fmt.Fprintf(w, "  %-18s %s\n", label, text)
		}
	}
	if s.Device == "" {
		fmt.Fprintln(w, "Every device; each is known by its address alone")
	} else {
		fmt.Fprintln(w, s.Device)
	}
	line("Android", s.Android)
	line("Android", map[string]string{
		"authority": "no: its private DNS trusts no authority that is not built in; its browsers can use HTTPS",
		"port":      "no: its private DNS needs DNS over TLS on port 853",
		"names":     "no: the certificate lacks the device's own name; its browsers can use HTTPS",
	}[s.AndroidProblem])
	if s.Page != "" {
		line("iPhone, iPad, Mac", "open "+s.Page+" on the device")
	}
	line("Windows, browsers", s.HTTPS)
	line("DNS over TLS", s.TLS)
	line("DNS over QUIC", s.QUIC)
	line("addresses", strings.Trim(fmt.Sprint(s.Addresses), "[]"))
	if s.Authority != "" {
		line("trust first", "the certificate of hearth enrol --ca")
		line("its fingerprint", s.Fingerprint)
		line("its pin (SPKI)", s.Pin)
	}
	if s.HomeOnly {
		fmt.Fprintln(w, "This server can be reached at home only: with these settings a device has no internet elsewhere.")
	}
	if s.Device != "" {
		fmt.Fprintln(w, "Keep this to yourself: who has it is taken for this device.")
	}
	if text := firstOf(s.Android, s.HTTPS); pictures && text != "" {
		drawQR(w, text)
	}
	fmt.Fprintf(w, "  answered by %s\n", s.AnsweredBy)
}

func firstOf(texts ...string) string {
	i := slices.IndexFunc(texts, func(t string) bool { return t != "" })
	if i < 0 {
		return ""
	}
	return texts[i]
}

// picture says whether w is a terminal.
func picture(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// drawQR draws a QR code with two squares a character, light ones bright, whatever colours the terminal has.
func drawQR(w io.Writer, text string) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return // longer than any settings are
	}
	const margin = 4
	blocks := [4]string{"█", "▄", "▀", " "} // with no dark square, the upper one, the lower one, both
	for y := -margin; y < code.Size+margin; y += 2 {
		var row strings.Builder
		for x := -margin; x < code.Size+margin; x++ {
			at := 0
			if code.Black(x, y) {
				at = 1
			}
			if code.Black(x, y+1) {
				at += 2
			}
			row.WriteString(blocks[at])
		}
		fmt.Fprintf(w, "\x1b[97;40m%s\x1b[0m\n", row.String())
	}
}

// enrolment is what devices are told about the encrypted listeners; nil where there are none and the console needs no
// certificate of ours. covers tells which names the certificates have; authority is what devices must trust, or nil.
func enrolment(c *Config, covers func(string) bool, authority *certificate.Authority) (*portal.Enrolment, error) {
	d, err := designation(c)
	if err != nil || len(d.Endpoints) == 0 && (len(c.Console.Listen) == 0 || authority == nil) {
		return nil, err
	}
	e := &portal.Enrolment{Name: c.serverName(), Addresses: d.Addresses}
	e.Devices = func() bool { return covers("device." + e.Name) }
	for _, at := range d.Endpoints {
		switch at.Transport {
		case resolver.TLS:
			e.TLS = customary(e.TLS, at.Port, at.Transport.UsualPort())
		case resolver.QUIC:
			e.QUIC = customary(e.QUIC, at.Port, at.Transport.UsualPort())
		case resolver.HTTPS:
			if port := customary(e.HTTPS, at.Port, at.Transport.UsualPort()); port != e.HTTPS {
				e.HTTPS, e.Path = port, at.Path
			}
		case resolver.UDP, resolver.TCP: // not encrypted
		}
		if at.At != (netip.Addr{}) && !slices.Contains(e.Addresses, at.At) {
			e.Addresses = append(e.Addresses, at.At)
		}
	}
	if authority != nil {
		e.Authority = &portal.Authority{DER: authority.Certificate.Raw, Fingerprint: authority.Fingerprint(), Pin: authority.Pin()}
	}
	return e, nil
}

// enrolment is what the pages of a running server tell.
func (s *server) enrolment(c *Config) (*portal.Enrolment, error) {
	if s.keeper == nil {
		return nil, nil //nolint:nilnil // there are no encrypted listeners
	}
	return enrolment(c, s.keeper.Covers, s.keeper.Authority())
}

// customary takes the first port, or the one that every client assumes.
func customary(have, found, usual uint16) uint16 {
	if have == 0 || found == usual {
		return found
	}
	return have
}

// offlineEnrolment is the same without a server: it reads what there is, and makes nothing. What cannot be read
// is left out; only the command that is about it complains.
func offlineEnrolment(c *Config, state string) (*portal.Enrolment, error) {
	authority, _ := offlineAuthority(c, state)
	covers := func(string) bool { return c.TLS.Source == certificate.Local || c.TLS.ACME.Challenge == "dns" }
	if c.TLS.Source == certificate.Files {
		covers = c.filesCover
	}
	return enrolment(c, covers, authority)
}

// offlineAuthority reads the local authority; nil where there is none yet, or none is used.
func offlineAuthority(c *Config, state string) (*certificate.Authority, error) {
	if c.TLS.Source != certificate.Local {
		return nil, nil //nolint:nilnil // nobody needs one
	}
	authority, err := certificate.ReadAuthority(state, c.serverName())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // the server makes it at its first start
	}
	return authority, err
}

// filesCover says whether one of the certificates in files is for the name.
func (c *Config) filesCover(name string) bool {
	return slices.ContainsFunc(c.TLS.Files, func(p certificate.Pair) bool {
		text, err := os.ReadFile(p.CertFile)
		if err != nil {
			return false
		}
		block, _ := pem.Decode(text)
		if block == nil {
			return false
		}
		leaf, err := x509.ParseCertificate(block.Bytes)
		return err == nil && leaf.VerifyHostname(name) == nil
	})
}
