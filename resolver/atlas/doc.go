// Package atlas says where addresses lie: in which country, and in which autonomous system. It reads databases in the
// format of MaxMind (MaxMind DB File Format 2.0), keeps the last good one of each when a file is replaced by one that
// cannot be read, and asks nobody.
package atlas
