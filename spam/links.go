package spam

// hostKind is what the end of a host name tells.
type hostKind uint8

const (
	hostNone  hostKind = iota
	hostPlain          // com, cn …
	hostOdd            // endings that cost nothing and that shops do not have
)

func ending(s string) hostKind {
	switch s {
	case "com", "cn", "net", "org", "gov", "edu", "hk", "tw", "io", "app", "co", "tech", "store", "shop", "so":
		return hostPlain
	case "top", "vip", "xyz", "cc", "icu", "bet", "win", "fun", "site", "online", "club", "live", "lol", "tv", "me", "pw",
		"wang", "ink", "buzz", "cyou", "cfd", "sbs", "rest", "gg", "info", "link", "pro", "website", "work", "life", "ltd", "monster":
		return hostOdd
	default:
		return hostNone
	}
}

// known are the hosts everybody links to: shops, maps, news, chat.
func known(s string) bool {
	switch s {
	case "taobao", "tmall", "jd", "qq", "weixin", "baidu", "163", "126", "sina", "weibo", "douyin", "iesdouyin", "kuaishou",
		"xiaohongshu", "xhslink", "bilibili", "meituan", "pinduoduo", "yangkeduo", "alipay", "ele", "dianping", "zhihu", "amap",
		"youku", "iqiyi", "toutiao", "1688", "suning", "vip", "ctrip", "12306", "gov", "edu", "sf-express", "cainiao", "kdocs",
		"wjx", "youzan", "weimob", "dewu", "goofish", "zcool", "apple", "github", "gaode", "sohu", "ifeng", "people", "xinhuanet",
		"tencent", "wechat", "douban", "netease", "mi", "huawei":
		return true
	default:
		return false
	}
}

// short are the services behind whose links anything may be.
func short(s string) bool {
	switch s {
	case "t.me", "bit.ly", "is.gd", "u.nu", "tinyurl.com", "goo.gl", "dwz.cn", "suo.im", "sourl.cn", "c1ink.cn", "mrw.so", "rrd.me":
		return true
	default:
		return false
	}
}

// maxLabels is how many labels of a host name are read.
const maxLabels = 6

// findLink looks whether a host name starts with the run from up to to, and gives the unit
// where looking goes on.
func (rd *reading) findLink(from, to int) int {
	if from > 0 && rd.units[from-1].r == '@' {
		return to // a mail address
	}
	last, end, veiled := from, to, false
	for n := 1; n < maxLabels && end < len(rd.units); n++ {
		next, bad, ok := rd.afterDot(end)
		if !ok {
			break
		}
		stop := rd.runEnd(next)
		kind := ending(rd.run(next, stop))
		if kind != hostNone {
			rd.addLink(last, end, next, stop, kind, veiled || bad)
			return stop
		}
		if bad {
			break
		}
		last, end = next, stop
	}
	return to
}

// afterDot is the unit after the dot at unit i; bad tells of a dot that is not one: 点, a
// Chinese full stop.
func (rd *reading) afterDot(i int) (next int, bad, ok bool) {
	u := &rd.units[i]
	switch {
	case u.r == '点' && i+1 < len(rd.units):
		return i + 1, true, isLatin(rd.units[i+1].r)
	case u.gap == gapDot:
		return i, false, isAlnum(u.r)
	case u.mark&markDot != 0 && u.gap < gapHard || u.gap == gapHard && u.mark&markColon == 0:
		return i, true, isAlnum(u.r)
	default:
		return i, false, false
	}
}

// addLink adds the link whose last label before the ending is from up to to.
func (rd *reading) addLink(from, to, next, stop int, kind hostKind, veiled bool) {
	label, end := rd.run(from, to), rd.run(next, stop)
	letters, digits := rd.count(from, to)
	switch {
	case known(label) && !veiled:
	case short(label + "." + end):
		rd.add(from, stop, sigLink|sigOddLink)
	case to-from < 2 || letters == 0 && to-from < 3:
	case veiled && (letters == 0 || digits == 0) && rd.units[next-1].r != '点':
	case veiled || kind == hostOdd:
		rd.add(from, stop, sigLink|sigOddLink)
	default:
		rd.add(from, stop, sigLink)
	}
}
