package spam

import (
	"strings"
	"testing"
	"time"
)

// everyday is talk of the length that groups see most.
var everyday = [...]string{
	"鸡蛋多少钱一盒",
	"我要两份，送到3号楼",
	"好的，谢谢老板",
	"昨天买的橙子有两个坏了，麻烦帮我处理一下",
	"兼职日结300，加V：abc12345",
	"今天晚上几点关门",
}

func BenchmarkCheckShort(b *testing.B) {
	d := New()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		d.Check(everyday[i%len(everyday)])
	}
}

func BenchmarkCheck600(b *testing.B) {
	d := New()
	text := string([]rune(strings.Repeat("今天新到一批水果，价格实惠，需要的邻居在群里接龙，3号楼自提。有问题随时找我，电话13800001111。", 20))[:600])
	b.ReportAllocs()
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		d.Check(text)
	}
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		New()
	}
}

// A guard against blow-ups, with room for the race detector and busy machines; the figures
// themselves are the benchmarks'.
func TestCheckingIsQuick(t *testing.T) {
	d := New()
	best := func(n int, check func(i int)) time.Duration {
		least := time.Hour
		for range 20 {
			start := time.Now()
			for i := range n {
				check(i)
			}
			least = min(least, time.Since(start)/time.Duration(n))
		}
		return least
	}
	if took := best(60, func(i int) { d.Check(everyday[i%len(everyday)]) }); took > 100*time.Microsecond {
		t.Errorf("a short message takes %v", took)
	}
	text := string([]rune(strings.Repeat("今天新到一批水果，价格实惠，需要的邻居在群里接龙，3号楼自提。有问题随时找我，电话13800001111。", 20))[:600])
	if took := best(5, func(int) { d.Check(text) }); took > 3*time.Millisecond {
		t.Errorf("600 characters take %v", took)
	}
}
