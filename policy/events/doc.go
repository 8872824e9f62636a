// Package events tells a program or a web service of the household's operator when the internet stops for a device and when
// it comes back: at the edges of schedules, at pauses and when a day's minutes are used up. DNS stops new
// connections alone; who hears of an edge can cut those that run, at the router.
//
// It owns the form of an event, what was told last, and the delivery with its bounds. It imports policy.
package events
