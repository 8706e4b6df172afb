// Stands in for the theme's script of that name: 1.5 MB of icons that its web font has too.
