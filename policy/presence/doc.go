// Package presence answers which machine has an address at this moment: its MAC, from the kernel's neighbour table
// or a lease of a DHCP server, and the name it gives itself. It owns the watching of the kernel (netlink, on Linux;
// elsewhere it knows what leases say) and the questions for names. It imports only policy, whose Facts it fills.
package presence
