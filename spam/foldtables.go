package spam

// styledRun is a block of characters that are styled forms of consecutive plain ones:
// from+i is to+i%period.
type styledRun struct {
	from, n, to, period rune
}

func styledRuns() []styledRun {
	return []styledRun{
		{0x2460, 9, '1', 9}, {0x2474, 9, '1', 9}, {0x2488, 9, '1', 9}, // ① ⑴ ⒈
		{0x249c, 26, 'a', 26}, {0x24b6, 52, 'a', 26}, // ⒜ Ⓐ ⓐ
		{0x24f5, 9, '1', 9}, {0x2776, 9, '1', 9}, {0x2780, 9, '1', 9}, {0x278a, 9, '1', 9}, // ⓵ ❶ ➀ ➊
		{0x1d400, 676, 'a', 26}, // mathematical letters: 13 alphabets of 52
		{0x1d7ce, 50, '0', 10},  // mathematical digits
		{0x1fbf0, 10, '0', 10},  // segmented digits
		{0x1f101, 10, '0', 10},  // 🄁 digits with a comma
		{0x1f110, 26, 'a', 26}, {0x1f130, 26, 'a', 26}, {0x1f150, 26, 'a', 26}, {0x1f170, 26, 'a', 26},
	}
}

// styledDigits lists, per digit, the styled forms outside any run.
func styledDigits() [10]string {
	return [10]string{
		"⓪⓿🄀🄋🄌⁰₀", "¹₁", "²₂", "³₃", "⁴₄", "⁵₅", "⁶₆", "⁷₇", "⁸₈", "⁹₉",
	}
}

// styledHan pairs radicals and enclosed characters with the character they show.
func styledHan() string {
	return "" +
		"⼀一⼁丨⼂丶⼃丿⼄乙⼅亅⼆二⼇亠⼈人⼉儿⼊入⼋八⼌冂⼍冖⼎冫⼏几⼐凵⼑刀⼒力⼓勹⼔匕⼕匚⼖匸⼗十⼘卜⼙卩⼚厂⼛厶⼜又⼝口⼞囗⼟土⼠士⼡夂⼢夊⼣夕⼤大⼥女⼦子⼧宀⼨寸⼩小⼪尢⼫尸" +
		"⼬屮⼭山⼮巛⼯工⼰己⼱巾⼲干⼳幺⼴广⼵廴⼶廾⼷弋⼸弓⼹彐⼺彡⼻彳⼼心⼽戈⼾戶⼿手⽀支⽁攴⽂文⽃斗⽄斤⽅方⽆无⽇日⽈曰⽉月⽊木⽋欠⽌止⽍歹⽎殳⽏毋⽐比⽑毛⽒氏⽓气⽔水⽕火⽖爪⽗父" +
		"⽘爻⽙爿⽚片⽛牙⽜牛⽝犬⽞玄⽟玉⽠瓜⽡瓦⽢甘⽣生⽤用⽥田⽦疋⽧疒⽨癶⽩白⽪皮⽫皿⽬目⽭矛⽮矢⽯石⽰示⽱禸⽲禾⽳穴⽴立⽵竹⽶米⽷糸⽸缶⽹网⽺羊⽻羽⽼老⽽而⽾耒⽿耳⾀聿⾁肉⾂臣⾃自" +
		"⾄至⾅臼⾆舌⾇舛⾈舟⾉艮⾊色⾋艸⾌虍⾍虫⾎血⾏行⾐衣⾑襾⾒见⾓角⾔言⾕谷⾖豆⾗豕⾘豸⾙贝⾚赤⾛走⾜足⾝身⾞车⾟辛⾠辰⾡辵⾢邑⾣酉⾤釆⾥里⾦金⾧长⾨门⾩阜⾪隶⾫隹⾬雨⾭靑⾮非⾯面" +
		"⾰革⾱韦⾲韭⾳音⾴页⾵风⾶飞⾷食⾸首⾹香⾺马⾻骨⾼高⾽髟⾾鬥⾿鬯⿀鬲⿁鬼⿂鱼⿃鸟⿄鹵⿅鹿⿆麦⿇麻⿈黄⿉黍⿊黑⿋黹⿌黽⿍鼎⿎鼓⿏鼠⿐鼻⿑齊⿒齿⿓龙⿔龜⿕龠⺟母⻳龟⻔门⻚页⻅见⻋车" +
		"⻢马⻨麦⻩黄⻥鱼⻘青⻓长⻜飞⻝食⻁虎⺠民⺮竹⺫目⻄西㈠一㈡二㈢三㈣四㈤五㈥六㈦七㈧八㈨九㈩十㈪月㈫火㈬水㈭木㈮金㈯土㈰日㈱株㈲有㈳社㈴名㈵特㈶财㈷祝㈸劳㈹代㈺呼㈻学㈼监㈽企㈾资" +
		"㈿协㉀祭㉁休㉂自㉃至㉄问㉅幼㉆文㉇箏㊀一㊁二㊂三㊃四㊄五㊅六㊆七㊇八㊈九㊉十㊊月㊋火㊌水㊍木㊎金㊏土㊐日㊑株㊒有㊓社㊔名㊕特㊖财㊗祝㊘劳㊙秘㊚男㊛女㊜适㊝优㊞印㊟注㊠项㊡休㊢写" +
		"㊣正㊤上㊥中㊦下㊧左㊨右㊩医㊪宗㊫学㊬监㊭企㊮资㊯协㊰夜🈐手🈑字🈒双🈓デ🈔二🈕多🈖解🈗天🈘交🈙映🈚无🈛料🈜前🈝後🈞再🈟新🈠初🈡终🈢生🈣贩🈤声🈥吹🈦演🈧投🈨捕🈩一🈪三🈫游🈬左🈭中" +
		"🈮右🈯指🈰走🈱打🈲禁🈳空🈴合🈵満🈶有🈷月🈸申🈹割🈺营🈻配🉐得🉑可"
}

// alike names the characters that look like one Latin letter.
type alike struct {
	letter rune
	looks  string
}

// alikes are letters of other alphabets and phonetic signs. Nobody types them in a Chinese
// chat to be read as what they are.
func alikes() []alike {
	return []alike{
		{'a', "аАαΑɑᴀᵃₐ∀ɐꓮᗅ"}, {'b', "вВβΒЬьᴃʙᵇɓƄꓐᗷ"}, {'c', "сСϲϹᴄᶜꓚⅽↃ"}, {'d', "ԁԀᴅᵈɖɗꓓᗪⅾ"},
		{'e', "еЕεΕєЄᴇᵉₑǝəꓰҽ"}, {'f', "ϝҒғᶠꜰƒꓝ"}, {'g', "ɡԍᴳᵍɢꓖց"}, {'h', "нНΗһҺʰʜₕꓧԋ"},
		{'i', "іІιΙᵢɪᶦⅰӏӀꓲ"}, {'j', "јЈʲᴊⱼꓙյ"}, {'k', "кКκΚᴋᵏₖꓗ₭"}, {'l', "ʟˡₗⅼꓡ"},
		{'m', "мМΜᴍᵐₘⅿꓟ₥"}, {'n', "ηΝпПᴎɴⁿₙꓠո₦"}, {'o', "оОοΟσᴏᵒₒօꓳ"}, {'p', "рРρΡᴘᵖₚꓑ"},
		{'q', "ԛԚգϙ"}, {'r', "гᴦʀᴿʳᵣꓣ"}, {'s', "ѕЅꜱˢₛꓢʂ"}, {'t', "тТτΤᴛᵗₜꓔ"},
		{'u', "υᴜᵘᵤսꓴμ"}, {'v', "νѵѴᴠᵛᵥⅴⅤꓦ∨"}, {'w', "ωшШѡԝԜᴡʷꓪ₩"}, {'x', "хХχΧˣₓⅹꓫ×✕✖"},
		{'y', "уУγΥүҮʏʸꓬ"}, {'z', "ΖᴢᶻꓜƵƶ"},
	}
}

// accented are the Latin letters with marks; they are honest writing, pinyin among it.
func accented() []alike {
	return []alike{
		{'a', "àáâãäåāăąǎạảấầẩẫậắằẳẵặÀÁÂÃÄÅĀĂĄǍ"}, {'c', "çćĉċčÇĆĈĊČ"}, {'d', "ďđḋḍĎĐ"},
		{'e', "èéêëēĕėęěẹẻẽếềểễệÈÉÊËĒĔĖĘĚ"}, {'g', "ĝğġģǧĜĞĠĢ"}, {'h', "ĥħĤĦ"},
		{'i', "ìíîïĩīĭįıǐịỉÌÍÎÏĨĪĬĮİǏ"}, {'j', "ĵĴǰ"}, {'k', "ķĸǩĶ"}, {'l', "ĺļľŀłĹĻĽŁ"},
		{'m', "ḿṁṃ"}, {'n', "ñńņňŋǹÑŃŅŇ"}, {'o', "òóôõöøōŏőơǒọỏốồổỗộớờởỡợÒÓÔÕÖØŌŎŐǑ"},
		{'p', "ṕṗ"}, {'r', "ŕŗřŔŖŘ"}, {'s', "śŝşšșŚŜŞŠ"}, {'t', "ţťŧțŢŤ"},
		{'u', "ùúûüũūŭůűųưǔǖǘǚǜụủứừửữựÙÚÛÜŨŪŬŮŰǓ"}, {'v', "ṽṿ"}, {'w', "ŵẁẃẅŴ"}, {'x', "ẋẍ"},
		{'y', "ýÿŷỳỵỷỹÝŶŸ"}, {'z', "źżžŹŻŽ"},
	}
}

// pictures are the pictographs that are read aloud as a word in advertisements. All others
// are separators.
func pictures() map[rune]string {
	return map[rune]string{
		'🛰': "微信", '🐧': "qq", '✈': "飞机", '🛩': "飞机", '🛫': "飞机", '💰': "钱", '💵': "钱", '💴': "钱",
		'🔗': "链接", '🧧': "红包", '🐮': "牛", '🐂': "牛", '🆓': "免费", '㎡': "平",
	}
}

// heartAfter are the units after which a heart is read as the second half of 微信.
const heartAfter = "v微薇威徽維维"

// hearts are the pictographs read so.
const hearts = "❤♥♡💗💕💓💖💘💙💚💛💜🖤🤍🧡💞💟❣📧✉💌"

// emoticonCodes are the names a chat program writes in brackets for its own pictures, as
// far as they would be read as words of the vocabulary.
func emoticonCodes() []string {
	return []string{
		"红包", "發", "发", "福", "礼物", "爱心", "玫瑰", "强", "微笑", "捂脸", "呲牙", "抱拳", "啤酒", "蛋糕",
		"鼓掌", "拥抱", "合十", "庆祝", "烟花", "爆竹", "机智", "加油", "加油加油", "转圈", "跳跳", "发怒", "得意",
		"色", "偷笑", "亲亲", "嘴唇", "心碎", "握手", "胜利", "太阳", "月亮", "咖啡", "骷髅", "菜刀", "猪头", "裂开",
		"苦涩", "叹气", "让我看看", "翻白眼", "感谢", "社会社会", "旺柴", "好的", "打脸", "哇", "炸弹", "便便", "凋谢",
		"图片", "视频", "语音", "表情", "动画表情", "链接", "文件", "位置", "名片", "小程序",
	}
}
