package portal

import (
	"context"

	"github.com/hearthdns/hearth/policy"
)

// Activity is what is remembered of people. of is HOUSEHOLD, HOUSEHOLD/MEMBER, HOUSEHOLD/DEVICE or HOUSEHOLD/guests.
type Activity interface {
	ActivityRecords
	ActivitySigns
	ActivityNotes
}

// ActivityRecords is what is kept by day.
type ActivityRecords interface {
	// Show tells it, of one day as YYYY-MM-DD or with "" of all days.
	Show(ctx context.Context, of, day string) (policy.ActivityReport, error)
	Export(ctx context.Context, of string) (policy.ActivityExport, error)
	// Erase forgets it, also of a name that its household no longer has, and with all of a household that is gone.
	Erase(ctx context.Context, of string, all bool) (policy.ActivityErased, error)
}

// ActivitySigns is what was found in it.
type ActivitySigns interface {
	Companions(ctx context.Context, of string) ([]policy.Companion, error)
	// Notices gives those that parents may see, with child those that the child itself may.
	Notices(ctx context.Context, of string, child bool) ([]policy.NoticeReport, error)
	Devices(ctx context.Context, of string) ([]policy.Sighting, error)
}

// ActivityNotes writes down what waits.
type ActivityNotes interface {
	// Seen notes that a child saw the notices about them.
	Seen(ctx context.Context, of string) error
	// Settle writes what things asked for.
	Settle() error
}
