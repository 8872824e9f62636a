// Package register is the catalogue of public blocklists: which ones there are, what each is about, under which
// terms its publisher gives it away, and which of them make a good beginning (the presets).
//
// It holds facts about lists and no name of any list: many are under licences that a program cannot embed
// (share-alike, GPL, non-commercial), and all of them age. Who chooses a list downloads it from its publisher.
// Every row says in which document it was read and of which date that document is; a row without is refused.
//
// It imports nothing of the project: categories, formats and bands are plain words here, and the tests hold them
// to what the project knows.
package register
