package blocklists

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"hash"
	"hash/crc64"
	"io"
	"math/bits"
)

// indexWriter writes an index file from hashes in ascending order, octet after octet.
type indexWriter struct {
	out     *bufio.Writer // to w, past the checksum
	w       io.Writer
	sum     hash.Hash64
	values  *interner
	rows    []Definition
	section []byte // see index_section.go
	footer  footer
	offsets *spool // the offset table, which comes behind the entries
	listed  uint64 // buckets whose offset is in the table
	waiting slot   // the last entry, not written yet: the next may share its place
	some    bool   // there is a waiting one
	merged  int
	scratch []byte
}

// slot is an entry and its place.
type slot struct {
	bucket    uint64
	remainder uint64
	number    uint16
}

// newIndexWriter returns a writer for the given number of names.
func newIndexWriter(w io.Writer, config BuilderConfig, values *interner, names uint64) *indexWriter {
	sum := crc64.New(checksumTable())
	return &indexWriter{
		out:     bufio.NewWriterSize(io.MultiWriter(w, sum), 64<<10),
		w:       w,
		sum:     sum,
		values:  values,
		rows:    config.Taxonomy.rows,
		offsets: newSpool(config.Dir, config.Memory),
		footer: footer{
			key: config.Key, built: config.Built, buckets: bucketsFor(names),
			remainder: uint32(config.RemainderBits),
		},
	}
}

// add takes the next hash and the number of its value.
func (iw *indexWriter) add(hash uint64, number uint16) error {
	bucket, low := bits.Mul64(hash, iw.footer.buckets)
	next := slot{bucket: bucket, remainder: low >> (64 - iw.footer.remainder), number: number}
	if !iw.some {
		iw.write(appendHeader(nil))
		iw.waiting, iw.some = next, true
		return nil
	}
	if next.bucket == iw.waiting.bucket && next.remainder == iw.waiting.remainder {
		iw.merged++
		union, err := iw.values.union(iw.waiting.number, next.number)
		iw.waiting.number = union
		return err
	}
	if err := iw.flush(); err != nil {
		return err
	}
	iw.waiting = next
	return nil
}

// flush writes the waiting entry and the offsets of the buckets up to its own.
func (iw *indexWriter) flush() error {
	if iw.footer.entries == maxEntries {
		return fmt.Errorf("more than %d names", maxEntries)
	}
	if err := iw.reach(iw.waiting.bucket); err != nil {
		return err
	}
	entry := iw.waiting.remainder | uint64(iw.waiting.number)<<remainderBits
	iw.scratch = binary.LittleEndian.AppendUint64(iw.scratch[:0], entry)
	iw.write(iw.scratch[:entrySize])
	iw.footer.entries++
	return nil
}

// reach puts the number of entries so far as the offset of every bucket up to the given one.
func (iw *indexWriter) reach(bucket uint64) error {
	var b [offsetSize]byte
	binary.LittleEndian.PutUint32(b[:], uint32(iw.footer.entries))
	for ; iw.listed <= bucket; iw.listed++ {
		if err := iw.offsets.append(b[:]); err != nil {
			return err
		}
	}
	return nil
}

// finish writes what follows the entries.
func (iw *indexWriter) finish() (footer, error) {
	if iw.some {
		if err := iw.flush(); err != nil {
			return footer{}, err
		}
	} else {
		iw.write(appendHeader(nil))
	}
	if err := iw.reach(iw.footer.buckets); err != nil {
		return footer{}, err
	}
	if err := iw.offsets.copyTo(iw.out); err != nil {
		return footer{}, err
	}
	for _, v := range iw.values.values {
		iw.scratch = appendValue(iw.scratch[:0], v)
		iw.write(iw.scratch)
	}
	definitions := appendDefinitions(nil, iw.rows)
	iw.write(definitions)
	iw.footer.values = uint32(len(iw.values.values))
	iw.footer.definitions = uint32(len(definitions))
	iw.write(iw.section)
	iw.footer.section = uint32(len(iw.section))
	if size := iw.footer.size(); size > maxIndexSize {
		return footer{}, fmt.Errorf("index of %d octets, at most %d are allowed", size, maxIndexSize)
	}
	err := iw.seal()
	return iw.footer, err
}

// seal writes the footer.
func (iw *indexWriter) seal() error {
	iw.write(iw.footer.appendSummed(nil))
	if err := iw.out.Flush(); err != nil { // brings the checksum up to date
		return err
	}
	iw.footer.checksum = iw.sum.Sum64()
	end := binary.LittleEndian.AppendUint64(nil, iw.footer.checksum)
	_, err := iw.w.Write(append(end, indexEndMagic...))
	return err
}

// write buffers b. Its error stays in the bufio.Writer until Flush returns it.
func (iw *indexWriter) write(b []byte) { _, _ = iw.out.Write(b) }

func (iw *indexWriter) close() { iw.offsets.close() }
