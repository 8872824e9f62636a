// Package help knows where people find help: the project's own table of helplines, counselling, sexual health, support
// of young LGBT people, addiction and abuse help and hotlines, in help.tsv, and which of its names are suspended.
//
// Every name of the table is protected: it is of category ok.help, or ok.help.core where the core column says so, and no
// list can block it. That needs no proof, for a wrong name does little harm there. What is shown to a child does: a row
// is verified only where somebody read a source that names the organisation, its country, and what is shown of it, which
// is its number, or for a hotline its site; of the organisation itself, a public authority, an association of such
// organisations or the press, not somebody's collection of links. verified_on is then the day that the source itself
// bears, never the day of reading: it says how old the knowledge is. The number of a child helpline stands there only if
// the source says that a call costs nothing, or if it is 116 111 in a country of the European Union, where that number is
// free by law (Commission Decision 2007/116/EC, article 2). All other rows are protected and never shown, and a number in
// one is refused.
package help
