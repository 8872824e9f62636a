// Package console answers: what does a parent see and do in a browser? It makes the pages of the parents' console
// (set-up, today, a child, devices, what things talk to, what changed, accounts) as plain HTML that works without
// JavaScript. It owns cookies, forms and pictures; what may be done and what becomes of it is judged by policy/parents
// and policy/account alone. It opens no listener, and no command serves it yet: its handler is to be served over HTTPS.
package console
