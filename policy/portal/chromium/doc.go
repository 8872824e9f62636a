// Package chromium walks through pages with Debian's Chromium, as a person does, and has axe-core judge them. It is for
// the tests of `make browser` alone: without the build tag `browser` there is nothing in it.
package chromium
