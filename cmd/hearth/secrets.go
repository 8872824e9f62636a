package main

import (
	"fmt"
	"io/fs"
	"os"
	"runtime"
)

// warnFiles finds files of lists that are not there, and files of secrets that are not there, are empty, or that others on
// this machine can read. It opens none.
func (c *Config) warnFiles(r *report) {
	look := func(path, file string) {
		if file == "" {
			return
		}
		st, err := os.Stat(file)
		switch {
		case err != nil:
			r.add(path, "%v; correct the path, or make the file, readable for the user of the server alone", err)
		case st.Size() == 0:
			r.add(path, "%s is empty; write the secret into it", file)
		case forOthers(st):
			r.add(path, "%s can be read by others on this machine (mode %#o); write: chmod 600 %[1]s", file, st.Mode().Perm())
		}
	}
	for i, s := range c.Lists.Sources {
		at := fmt.Sprintf("lists.sources[%d].", i)
		if _, err := os.Stat(s.Path); s.Path != "" && err != nil {
			r.add(at+"path", "%v; correct the path, or put the list there", err)
		}
		look(at+"token_file", s.TokenFile)
		look(at+"key_file", s.KeyFile)
		look(at+"zone.tsig.secret_file", s.Zone.TSIG.SecretFile)
	}
	for i, pair := range c.TLS.Files {
		look(fmt.Sprintf("tls.files[%d].key_file", i), pair.KeyFile)
	}
	look("tls.acme.dns.tsig.secret_file", c.TLS.ACME.DNS.TSIG.SecretFile)
	look("events.secret_file", c.Events.SecretFile)
	look("notify.mail.password_file", c.Notify.Mail.PasswordFile)
	look("notify.ntfy.token_file", c.Notify.Ntfy.TokenFile)
	look("console.provider.secret_file", c.Console.Provider.SecretFile)
}

// forOthers says whether others than the owner, and whom the owner's group is trusted with, can read or change a file.
func forOthers(st fs.FileInfo) bool { return runtime.GOOS != "windows" && st.Mode().Perm()&0o037 != 0 }
