package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/hearthdns/hearth/policy/parents"
	"github.com/hearthdns/hearth/policy/portal/api"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func (a *app) deviceCommand() *cobra.Command {
	device := &cobra.Command{
		Use:   "device",
		Short: "List devices, add them by a code, set PINs for shared ones",
		Long: `List the devices of a household with those that are not known yet, add one by
a short code while the server runs, rename it, give it to somebody else, and
set the PINs by which people say that they use a shared one. Devices of the
configuration are changed there.`,
		Example: "  hearth device list\n  hearth device enrol --member Kim",
		Args:    noSuchCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	device.AddCommand(a.deviceListCommand(), a.deviceEnrolCommand(), a.deviceRenameCommand(), a.deviceAssignCommand(), a.deviceRemoveCommand(), a.devicePINCommand())
	device.AddCommand(a.thingCommands()...)
	return device
}

func (a *app) deviceListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list [HOUSEHOLD]", Short: "List the devices of a household, known and unknown",
		Long:    "List the devices of a household, and what was seen lately in its networks that\nis none of them.",
		Example: "  hearth device list example-home",
		Args:    atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			home := strings.Join(args, "")
			known, err := list[parents.Device](cmd.Context(), a, look(at(home, "devices")))
			if err != nil {
				return err
			}
			unknown, err := list[parents.Seen](cmd.Context(), a, look(at(home, "unknown-devices")))
			if err != nil {
				return err
			}
			a.print(map[string]any{"devices": known, "unknown": unknown}, func(w io.Writer) {
				for _, d := range known {
					fmt.Fprint(w, "  ")
					describeDevice(w, d)
				}
				for _, s := range unknown {
					fmt.Fprintf(w, "  not known: %s %s %s\n", s.Address, s.MAC, s.Name)
				}
			})
			return nil
		},
	}
}

func describeDevice(w io.Writer, d parents.Device) {
	text := fmt.Sprintf("%-20s of %s, profile %s, %s", d.Name, cmp.Or(strings.Join(d.Members, " and "), "nobody"), d.Profile, d.Owner)
	if len(d.KnownBy) > 0 {
		text += " by " + strings.Join(d.KnownBy, ", ")
	}
	if d.UsedBy != "" {
		text += ", used by " + d.UsedBy
	}
	fmt.Fprintln(w, text)
}

// assignFlags adds the flags by which a command says whose a device is to be.
func assignFlags(cmd *cobra.Command, to *parents.Assignment) {
	cmd.Flags().StringArrayVar(&to.Members, "member", nil, "it is `MEMBER`'s, or HOUSEHOLD/MEMBER's; more than once for a shared one")
	cmd.Flags().StringVar(&to.Profile, "profile", "", "it has this `PROFILE`, such as things")
}

func (a *app) deviceEnrolCommand() *cobra.Command {
	var to parents.Assignment
	var name string
	cmd := &cobra.Command{
		Use: "enrol [HOUSEHOLD] {--member MEMBER | --profile PROFILE}", Short: "Make a code by which one device is added",
		Long: `Make a code by which one device is added to the household, good once and for
ten minutes. On the device open the page that is shown, or photograph the QR
code, and enter it. It is known from then on by its MAC where the server knows
that, else by its address.`,
		Example: "  hearth device enrol --member Kim\n  hearth device enrol example-home --profile things --name tv",
		Args:    atMostOne,
		RunE: func(cmd *cobra.Command, args []string) error {
			who := &whom{parents.Who{Household: strings.Join(args, "")}}
			who.give(&to)
			body := struct {
				parents.Assignment
				Name string `json:"name,omitempty"`
			}{to, name}
			return answer(cmd.Context(), a, change(at(who.Household, "invitations"), body), func(w io.Writer, r api.Invitation) {
				fmt.Fprintf(w, "%s\n\nOn the device that is to be %s's, open\n  %s\nbefore %s.\n", r.Code.Code, r.For, r.URL, r.Until.Format("15:04"))
				if picture(w) {
					drawQR(w, r.URL)
				}
			})
		},
	}
	assignFlags(cmd, &to)
	cmd.Flags().StringVar(&name, "name", "", "what it is to be called; default what it calls itself")
	return cmd
}

func (a *app) deviceRenameCommand() *cobra.Command {
	who := &whom{}
	cmd := &cobra.Command{
		Use: "rename DEVICE NAME", Short: "Give a device another name", Long: "Give a device another name. What holds for it goes on holding.",
		Example: "  hearth device rename kim-device kim-tablet",
		Args:    exactly(2, "the DEVICE and its new NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			who.Device = args[0]
			of := who.ready()
			return answer(cmd.Context(), a, change(at(of.Household, "devices", of.Device, "rename"), map[string]string{"name": args[1]}), describeDevice)
		},
	}
	who.flags(cmd, "household")
	return cmd
}

func (a *app) deviceAssignCommand() *cobra.Command {
	var to parents.Assignment
	who := &whom{}
	cmd := &cobra.Command{
		Use: "assign DEVICE {--member MEMBER | --profile PROFILE}", Short: "Give a device to somebody else",
		Long:    "Give a device to a member, to several (the strictest of their profiles holds),\nor to nobody, with a profile of its own.",
		Example: "  hearth device assign tablet --member Kim --member Toni",
		Args:    exactly(1, "the DEVICE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			who.Device = args[0]
			of := who.ready()
			who.Household = of.Household
			who.give(&to)
			return answer(cmd.Context(), a, change(at(who.Household, "devices", of.Device, "assign"), to), describeDevice)
		},
	}
	assignFlags(cmd, &to)
	who.flags(cmd, "household")
	return cmd
}

func (a *app) deviceRemoveCommand() *cobra.Command {
	who := &whom{}
	cmd := &cobra.Command{
		Use: "remove DEVICE", Short: "Take a device out of the household", Long: "Take a device out of the household, with all that holds for it. From then on\nit is unknown, and has the guest profile.",
		Example: "  hearth device remove old-phone",
		Args:    exactly(1, "the DEVICE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			who.Device = args[0]
			of := who.ready()
			return answer(cmd.Context(), a, end(at(of.Household, "devices", of.Device)), func(w io.Writer, r api.Gone) {
				fmt.Fprintf(w, "%s is a device of the household no more\n", r.Device)
			})
		},
	}
	who.flags(cmd, "household")
	return cmd
}

func (a *app) devicePINCommand() *cobra.Command {
	var remove bool
	cmd := &cobra.Command{
		Use: "pin MEMBER", Short: "Set the PIN by which a member says that they use a shared device",
		Long: `Set the PIN, 4 to 12 digits, by which a member says at http://ask.NAME/who
that they use a shared device. It is read from the terminal or from standard
input, because arguments can be seen by others.`,
		Example: "  hearth device pin Toni\n  hearth device pin --remove example-home/Toni",
		Args:    exactly(1, "the MEMBER"),
		RunE: func(cmd *cobra.Command, args []string) error {
			who := (&whom{parents.Who{Member: args[0]}}).ready()
			ask := end(at(who.Household, "members", who.Member, "pin"))
			if !remove {
				digits, err := a.readPIN(cmd.InOrStdin())
				if err != nil {
					return err
				}
				ask.method, ask.body = http.MethodPut, map[string]string{"pin": digits}
			}
			return answer(cmd.Context(), a, ask, func(w io.Writer, r api.Secret) {
				if r.Set {
					fmt.Fprintf(w, "%s has this PIN now\n", r.Member)
				} else {
					fmt.Fprintf(w, "%s has no PIN any more\n", r.Member)
				}
			})
		},
	}
	cmd.Flags().BoolVar(&remove, "remove", false, "take the PIN away")
	return cmd
}

// readPIN reads digits unseen from a terminal, else the first line.
func (a *app) readPIN(in io.Reader) (string, error) {
	if f, ok := in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(a.err, "PIN (4 to 12 digits): ")
		digits, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(a.err)
		return string(digits), err
	}
	line, err := bufio.NewReader(io.LimitReader(in, 64)).ReadString('\n')
	if line = strings.TrimSpace(line); line == "" {
		return "", usageError{errors.Join(errors.New("no PIN was given; type it, or write it to standard input"), ignoreEOF(err))}
	}
	return line, nil
}

func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
