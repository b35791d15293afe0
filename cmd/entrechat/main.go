// Command entrechat is one hoster's node and its tools.
package main

func main() {}
