// Package api is the admin API: one, versioned, described by an OpenAPI 3.1 document, for the commands on the control
// socket and for programs over HTTPS with a token.
//
// It answers "how does a program ask for what a person does at the pages?". It owns the routes, their JSON, who is let
// in with which scopes, pages of long lists, repeated requests and how many there may be. What is done, and who may do
// it to a household, is judged where the pages have it done too: in package parents and what stands beside it.
//
// Of the project it may import policy, policy/account, policy/notify, policy/parents, policy/portal, policy/tickets and blocklists.
package api
