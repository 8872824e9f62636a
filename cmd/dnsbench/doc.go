// Command dnsbench measures Hearth beside other DNS servers in one run: the same
// workloads, the same upstream on loopback, rounds interleaved, and the servers'
// own CPU time as the operating system accounts it. Wall-clock rates on a small
// shared machine say little; CPU time a query, as a ratio within one run, says
// what a server costs.
//
// Transports that are encrypted have workloads of their own. `dnsbench ask` asks one
// question over any of them and prints the answer.
//
// It starts every server itself, on loopback, with a configuration that it
// writes to a temporary folder, and ends what it started. A server that is not
// installed is named as absent, one that answers otherwise than the rest as not
// comparable, and neither is measured. It imports nothing of the project: what
// it measures is the program.
package main
