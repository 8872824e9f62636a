package portal

const (
	devicePath = "/device"
	whoPath    = "/who"
)
