package spam

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"testing"
)

// FuzzReadModel damages a model file and, so that the checksum does not stop everything,
// also puts the right one behind it. What is read must still judge without harm.
func FuzzReadModel(f *testing.F) {
	m, _, err := Train(Supplement(4, 1), smallConfig())
	if err != nil {
		f.Fatal(err)
	}
	var whole bytes.Buffer
	if _, err := m.WriteTo(&whole); err != nil {
		f.Fatal(err)
	}
	head := whole.Bytes()[:whole.Len()-len(m.weights)-len(m.readings)-modelTail]
	rest := whole.Bytes()[len(head):]
	f.Add(head, uint16(0), byte(0), true)
	f.Add(head[:20], uint16(3), byte(9), false)
	f.Add([]byte(modelMagic), uint16(1), byte(255), true)
	f.Fuzz(func(t *testing.T, start []byte, at uint16, to byte, repaired bool) {
		file := append(bytes.Clone(start), rest...)
		file[int(at)%len(file)] ^= to
		if repaired {
			end := len(file) - modelTail
			binary.LittleEndian.PutUint32(file[end:], crc32.Checksum(file[:end], castagnoli()))
		}
		m, err := ReadModel(bytes.NewReader(file))
		if err != nil {
			return
		}
		d := New(WithModel(m))
		for _, text := range []string{"加我微信abc12345，刷单日结", "明天几点开门", "\xff1⃣2️⃣"} {
			verify(t, d, text)
		}
	})
}
