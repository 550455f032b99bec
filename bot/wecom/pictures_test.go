package wecom

import (
	"bytes"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A picture is read as it is; anything else is refused, and its address, which lets people
// into a group, is in no error.
func TestPicture(t *testing.T) {
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 3, 3))); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/secret/code", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery != "" || r.Header.Get("Authorization") != "" {
			t.Errorf("a picture was asked for with %q", r.URL)
		}
		_, _ = w.Write(picture.Bytes())
	})
	mux.HandleFunc("/secret/large", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(append(picture.Bytes(), make([]byte, maxPicture)...))
	})
	mux.HandleFunc("/secret/page", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/png")
		_, _ = w.Write([]byte("<html>busy</html>"))
	})
	mux.Handle("/secret/loop", http.RedirectHandler("/secret/loop", http.StatusFound))
	mux.Handle("/secret/away", http.RedirectHandler("file:///etc/passwd", http.StatusFound))
	server := httptest.NewServer(mux)
	defer server.Close()
	c := &Client{pictures: newPictures(server.Client().Transport)}
	got, err := c.Picture(t.Context(), server.URL+"/secret/code")
	if err != nil || !bytes.Equal(got, picture.Bytes()) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	for _, address := range []string{server.URL + "/secret/large", server.URL + "/secret/page", server.URL + "/secret/loop", server.URL + "/secret/away",
		server.URL + "/secret/none", "file:///secret/x", "://secret", ""} {
		if _, err := c.Picture(t.Context(), address); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", address, err)
		}
	}
	server.Close()
	if _, err := c.Picture(t.Context(), server.URL+"/secret/code"); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v", err)
	}
}
