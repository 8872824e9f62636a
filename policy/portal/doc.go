// Package portal is what a person sees of Hearth: the landing page that stands where a blocked name
// would have been, the page ask.<name> with a device's own last blocks, and the explanation of a decision.
//
// It answers "what stands in the browser, for whom, and why?". It owns the pages, their words in each
// language, the table of help numbers with their sources, the memory of last blocks (ten minutes, never on
// disk), and the walk through a decision. Who asks is known from the client's address alone and what was
// asked from the Host field alone; nothing else of a request is believed, kept or shown.
//
// Beside them it has the use-cases about channels of messages, which the console and the API share.
//
// Of the project it may import policy and blocklists, and for the use-cases accounts, messages, parents and tickets.
package portal
